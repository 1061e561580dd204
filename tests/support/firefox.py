"""Debian's Firefox, headless, driven by its own WebDriver BiDi (no driver program between).

W3C WebDriver BiDi; the browser prints the WebSocket's address when it listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.support.events import until
from tests.support.peers import require
from tests.support.process import Process
from tests.support.pulse import sound_server

PREFERENCES = {
    "media.autoplay.default": 0,  # allow
    "media.autoplay.blocking_policy": 0,
    "media.peerconnection.ice.loopback": True,  # in case there is nothing else
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.gmp-manager.updateEnabled": False,  # its H.264 is a download that no test waits for
    "media.gmp-gmpopenh264.enabled": False,
    "dom.security.https_first": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "toolkit.cosmeticAnimations.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#",
    "extensions.update.enabled": False,
    "browser.safebrowsing.update.enabled": False,
}


def own_address() -> str:
    """An address of this machine that Firefox's ICE uses: not of the loopback, if there is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))  # of the documentation's; nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_PATIENCE = 60.0


class ScriptError(AssertionError):
    """A script in the page threw."""


class FirefoxPage:
    """The browser's one tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._context = ""

    async def begin(self) -> None:
        """Make the session and find the tab."""
        await self._call("session.new", {"capabilities": {}})
        tree = await self._call("browsingContext.getTree", {})
        self._context = tree["contexts"][0]["context"]

    async def add_init_script(self, code: str) -> None:
        """Run ``code`` in every page before its own."""
        await self._call("script.addPreloadScript", {"functionDeclaration": f"() => {{ {code} }}"})

    async def goto(self, url: str) -> None:
        """Load a page and wait for it."""
        await self._call(
            "browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"}
        )

    async def evaluate(self, function: str) -> Any:
        """The result of a JavaScript function without arguments; it has to be JSON."""
        answer = await self._call(
            "script.evaluate",
            {
                "expression": f"(async () => JSON.stringify(await ({function})()))()",
                "target": {"context": self._context},
                "awaitPromise": True,
                "userActivation": True,
            },
        )
        if answer["type"] == "exception":
            raise ScriptError(answer["exceptionDetails"]["text"])
        text = answer["result"].get("value")
        return None if text is None else json.loads(text)

    async def wait_for_function(self, function: str, *, within: float = 30.0) -> None:
        """Wait until a JavaScript function returns something true."""
        deadline = asyncio.get_running_loop().time() + within
        while not await self.evaluate(function):
            assert asyncio.get_running_loop().time() < deadline, f"never: {function}"
            await asyncio.sleep(0.25)

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        command = {"id": number, "method": method, "params": params}
        await self._connection.send(json.dumps(command))
        async with asyncio.timeout(_PATIENCE):
            while True:
                message = json.loads(await self._connection.recv())
                if message.get("id") == number:
                    break
        if message["type"] == "error":
            raise ScriptError(f"{method}: {message['error']}: {message['message']}")
        result: dict[str, Any] = message["result"]
        return result


@asynccontextmanager
async def firefox(
    folder: Path, *, speaker: Mapping[str, str] | None = None
) -> AsyncIterator[FirefoxPage]:
    """One Firefox with a profile of its own below ``folder``.

    It has a sound server, that of ``speaker`` or one of its own: without one its audio contexts
    never start, and its videos stand still.
    """
    program = require("firefox-esr")
    profile = folder / "firefox"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines), "utf-8")
    with contextlib.ExitStack() as stack:
        if speaker is None:
            speaker = {"PULSE_SERVER": stack.enter_context(sound_server(profile))}
        process = stack.enter_context(
            Process(
                [program, "--headless", "--remote-debugging-port", "0", "--profile", profile],
                log=folder / "firefox.log",
                env={"HOME": str(folder), **speaker},
            )
        )
        found = await until(
            lambda: _LISTENING.search(process.output), "Firefox to listen", within=_PATIENCE
        )
        async with connect(f"{found[1]}/session", max_size=None, proxy=None) as connection:
            page = FirefoxPage(connection)
            await page.begin()
            yield page
