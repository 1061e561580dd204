"""From the screen to the browser: ``python -m benchmarks.glass_to_glass [SECONDS [SOURCE]]``.

``gamecast push`` publishes pictures that bear a clock; Chromium plays them by WHEP and reads the
clock back from what it shows, at every frame of the display. Sources: ``test`` (the built-in
scene, so the capture is left out) or ``screen`` (a clock painted on a virtual X screen, captured).
Uplinks: RTMP and WHIP, one after the other. Prints one JSON object with milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page
from tests.support import glass
from tests.support.browser import chromium, new_context
from tests.support.gamecast import GamecastServer, command
from tests.support.obs import Screen
from tests.support.process import Process

SETTLE = 5.0
"""Seconds in which the player finds its delay."""


async def distribution(page: Page, seconds: float) -> dict[str, Any]:
    """Delays of what the page shows, sampled as fast as it answers."""
    delays: list[float] = []
    unread = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        late = await glass.delay(page)
        if late is None:
            unread += 1
        else:
            delays.append(late * 1000)
        await page.wait_for_timeout(37)  # no multiple of a frame
    delays.sort()
    if not delays:
        raise RuntimeError("the clock in the picture could not be read once")
    return {
        "samples": len(delays),
        "unread": unread,
        "p5_ms": round(delays[len(delays) * 5 // 100]),
        "p50_ms": round(delays[len(delays) // 2]),
        "p95_ms": round(delays[len(delays) * 95 // 100]),
        "p99_ms": round(delays[len(delays) * 99 // 100]),
        "worst_ms": round(delays[-1]),
    }


@contextmanager
def shown_clock(folder: Path) -> Iterator[dict[str, str]]:
    """A virtual screen of 640x360 on which a window shows the clock 60 times a second."""
    screen = Screen(folder)
    environment = {"DISPLAY": screen.display, "HOME": str(folder)}
    painter = [sys.executable, "-m", "benchmarks.painted_clock"]
    with screen.process, Process(painter, log=folder / "painter.log", env=environment):
        yield environment


async def measure(seconds: float, source: str, folder: Path) -> dict[str, Any]:
    """Both uplinks, one after the other."""
    size = "640x360" if source == "screen" else "1280x720"
    found: dict[str, Any] = {"source": source, "size": size, "fps": 30}
    with ExitStack() as stack:
        environment: dict[str, str] = {}
        arguments = ["--test", "--size", size]
        if source == "screen":
            environment = stack.enter_context(shown_clock(folder))
            arguments = ["--region", "640x360+0+0", "--audio", "tone"]
        server = stack.enter_context(
            GamecastServer(folder, settings={"GAMECAST_AUTH__PUBLISH": "open"})
        )
        for uplink, url in (
            ("rtmp", f"{server.rtmp}/live/by-rtmp"),
            ("whip", server.http.replace("http:", "whip:") + "/live/by-whip/whip"),
        ):
            push = command("push", *arguments, "--encoder", "x264", "--fps", "30", url)
            with Process(push, log=folder / f"{uplink}.log", env=environment or None):
                server.wait_on_air(f"by-{uplink}")
                async with chromium() as browser:
                    page = await (await new_context(browser)).new_page()
                    await page.add_init_script('localStorage.gamecast = \'{"protocol": "whep"}\'')
                    await page.goto(f"{server.http}/embed/by-{uplink}")
                    await page.wait_for_function(
                        "() => document.querySelector('video')?.currentTime > 0", timeout=30_000
                    )
                    await asyncio.sleep(SETTLE)
                    found[uplink] = await distribution(page, seconds)
                    found[uplink]["player"] = await page.evaluate(
                        "globalThis.gamecast?.player?.engine"
                    )
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        length = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
        kind = sys.argv[2] if len(sys.argv) > 2 else "test"
        print(json.dumps(asyncio.run(measure(length, kind, Path(scratch))), indent=2))  # noqa: T201
