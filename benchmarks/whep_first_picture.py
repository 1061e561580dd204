"""How soon a picture is there: Chromium on the watch page, at random points of a long group.

    python -m benchmarks.whep_first_picture --tries 20

Time runs from the moment in which the player asks (it makes its peer connection) to the moment in
which the browser shows the first frame, and is split into the steps between. Each try is a page of
its own in a browser that is already there.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from playwright.async_api import Browser
from tests.support.browser import chromium, new_context
from tests.support.gamecast import GamecastServer, command
from tests.support.process import Process

NAME = "scene"
GROUP_SECONDS = 10.0
STEPS = ("offer", "answer", "connected", "received", "shown")
"""Made; come; ICE and DTLS done; first picture complete; on the screen."""
_PATIENCE = 30_000
_CLOCKED = """
localStorage.setItem('gamecast', JSON.stringify({protocol: 'whep'}));
globalThis.steps = {};
const step = (name) => { steps[name] ??= performance.now(); };
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    step('asked');
    super(...options);
    this.addEventListener('connectionstatechange', () =>
      this.connectionState === 'connected' && step('connected'));
  }
  async setLocalDescription(description) {
    await super.setLocalDescription(description);
    step('offer');
  }
  setRemoteDescription(description) {
    step('answer');
    return super.setRemoteDescription(description);
  }
};
const watching = setInterval(() => {
  const video = document.querySelector('video');
  if (!video) return;
  clearInterval(watching);
  video.requestVideoFrameCallback((now, frame) => {
    steps.received = frame.receiveTime;
    steps.shown = frame.presentationTime;
  });
}, 1);
"""


@dataclass(slots=True)
class FirstPicture:
    """One try: seconds from the asking to each step."""

    at: dict[str, float]

    @property
    def shown(self) -> float:
        """The figure that counts."""
        return self.at["shown"]


async def first_picture(browser: Browser, server: GamecastServer, name: str) -> FirstPicture:
    """Open the watch page of a stream and wait for its first frame."""
    context = await new_context(browser)
    await context.add_init_script(_CLOCKED)
    page = await context.new_page()
    await page.goto(f"{server.http}/{name}", wait_until="commit")
    await page.wait_for_function("() => globalThis.steps?.shown", timeout=_PATIENCE)
    engine, steps = await page.evaluate("[gamecast.player.engine, steps]")
    assert engine == "whep", engine
    await context.close()
    return FirstPicture({step: (steps[step] - steps["asked"]) / 1000 for step in STEPS})


async def first_pictures(server: GamecastServer, name: str, tries: int) -> list[FirstPicture]:
    """That many tries, at points of the group that have nothing to do with it."""
    found = []
    async with chromium() as browser:
        await first_picture(browser, server, name)  # caches, processes
        for _ in range(tries):
            await asyncio.sleep(random.uniform(0.2, 1.8))
            found.append(await first_picture(browser, server, name))
    return found


@contextmanager
def scene(server: GamecastServer, log: Path) -> Iterator[None]:
    """The test scene with a keyframe every ten seconds."""
    arguments = command("push", "--test", "--size", "1280x720", "--fps", "30", "--bitrate", "3M")
    options = ["--keyframe-interval", str(GROUP_SECONDS), f"{server.rtmp}/live/{NAME}"]
    with Process([*arguments, *options], log=log):
        server.wait_on_air(NAME)
        yield


def table(found: list[FirstPicture]) -> str:
    """Median and 95th percentile of each step, in milliseconds from the asking."""
    lines = ["| step | p50 ms | p95 ms | max ms |", "|---|---|---|---|"]
    for step in STEPS:
        values = [each.at[step] * 1000 for each in found]
        p95 = quantiles(values, n=20, method="inclusive")[-1]
        lines.append(f"| {step} | {median(values):.0f} | {p95:.0f} | {max(values):.0f} |")
    return "\n".join(lines)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=20)
    tries = parser.parse_args().tries
    with tempfile.TemporaryDirectory() as folder:
        settings = {"GAMECAST_AUTH__PUBLISH": "open"}
        with (
            GamecastServer(Path(folder), settings=settings) as server,
            scene(server, Path(folder) / "push.log"),
        ):
            await asyncio.sleep(GROUP_SECONDS + 1)
            found = await first_pictures(server, NAME, tries)
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
