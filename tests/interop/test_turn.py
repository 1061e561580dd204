"""A viewer who reaches nothing but a TURN server: coturn, with credentials that expire."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from gamecast.net.tcp import bind_both
from tests.support.browser import chromium, new_context
from tests.support.gamecast import GamecastServer
from tests.support.peers import require
from tests.support.process import Process
from tests.web.scene import Scene
from tests.web.watching import until_moving

pytestmark = pytest.mark.interop

SECRET = "known-to-both-and-to-nobody-else"
RELAY_ONLY = """
globalThis.peers = [];
const Peer = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Peer {
  constructor(config) {
    const iceServers = config.iceServers.filter(({ urls }) => urls === only);
    super({ ...config, iceServers, iceTransportPolicy: 'relay' });
    peers.push(this);
  }
};
localStorage.setItem('gamecast', JSON.stringify({ protocol: 'whep' }));
"""
"""As a network that lets nothing through but what goes to the TURN server ``only``."""
LOCAL = """async () => {
  const reports = await peers.at(-1).getStats();
  const transport = [...reports.values()].find(({ type }) => type === 'transport');
  const pair = reports.get(transport.selectedCandidatePairId);
  return { ...reports.get(pair.localCandidateId) };
}"""
"""The candidate of the browser's own that its media goes through."""


def free_port() -> int:
    """A port that was free for UDP and TCP a moment ago."""
    both = bind_both("127.0.0.1", 0)
    port = int(both[0].getsockname()[1])
    for sock in both:
        sock.close()
    return port


@contextlib.contextmanager
def coturn(folder: Path, secret: str) -> Iterator[int]:
    """coturn on loopback; its port."""
    port = free_port()
    command = [
        *(
            require("turnserver"),
            "-n",
            "--no-cli",
            "--no-tls",
            "--no-dtls",
            "--no-software-attribute",
        ),
        *("--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--allow-loopback-peers"),
        *("--listening-port", str(port), "--realm", "example.test", "--lt-cred-mech"),
        *("--use-auth-secret", "--static-auth-secret", secret, "--relay-threads", "1"),
        *("--log-file", "stdout", "--simple-log", "--verbose"),
        *("--userdb", str(folder / "turndb"), "--pidfile", str(folder / "turn.pid")),
    ]
    with Process(command, log=folder / "coturn.log", cwd=folder) as process:
        process.wait_for_output("Relay ports initialization done")
        yield port


def configured(folder: Path, urls: list[str]) -> tuple[str, ...]:
    """Options of a server that names these TURN servers."""
    tables = [f'[[ice.servers]]\nurl = "{url}"\nsecret = "{SECRET}"\n' for url in urls]
    path = folder / "gamecast.toml"
    path.write_text('[auth]\npublish = "open"\n' + "".join(tables), "utf-8")
    return "--config", str(path)


async def relayed(page: Page, server: GamecastServer, url: str) -> dict[str, Any]:
    """The browser's end of the path while the watch page plays through that server."""
    await page.add_init_script(f"const only = '{url}';{RELAY_ONLY}")
    await page.goto(f"{server.http}/scene")
    await until_moving(page, seconds=2)
    assert await page.evaluate("gamecast.player.engine") == "whep"
    found: dict[str, Any] = await page.evaluate(LOCAL)
    logging.getLogger(__name__).info("%s", found)
    return found


async def test_chromium_plays_through_coturn(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(coturn(tmp_path, SECRET))
        urls = {name: f"turn:127.0.0.1:{port}?transport={name}" for name in ("udp", "tcp")}
        options = configured(tmp_path, list(urls.values()))
        server = stack.enter_context(GamecastServer(tmp_path, options=options))
        stack.enter_context(Scene(server, "scene", tmp_path))
        async with chromium() as browser:
            for transport, url in urls.items():
                context = await new_context(browser)
                local = await relayed(await context.new_page(), server, url)
                await context.close()
                assert local["candidateType"] == "relay"
                assert local["relayProtocol"] == transport
                assert local["url"] == url
    assert ":gamecast>" in (tmp_path / "coturn.log").read_text("utf-8")
