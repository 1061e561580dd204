"""What is on the screen is what Chromium shows: through capture, encoder, server and player."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import BrowserContext, Page

from tests.client.capture.x11.windows import Painter
from tests.support.browser import chromium, new_context
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer, command
from tests.support.obs import Screen
from tests.support.process import Process

MEAN_ERROR = 3.0
"""Of 255, over all pixels and the three colours."""
MEAN_ERROR_PAINTED = 4.0
"""Chromium's library for drawing, libyuv, knows the blue of BT.709 to a twentieth only."""
PATIENCE = 15.0
"""Seconds in which a player has to show what has changed."""
COLOURS = (0xFF0000, 0x00FF00, 0x0000FF, 0xFFFFFF, 0x808080, 0xC08040, 0x4080C0, 0xFFD000)
REGION = (320, 200, 40, 80)
"""Width, height, left and top."""

READ = """async () => {
  const video = document.querySelector('video');
  if (!video || !video.videoWidth || video.readyState < 2) return null;
  const text = data => {
    let text = '';
    for (let at = 0; at < data.length; at += 32768)
      text += String.fromCharCode(...data.subarray(at, at + 32768));
    return btoa(text);
  };
  const frame = new VideoFrame(video);
  const {format, colorSpace: {matrix, fullRange}} = frame;
  const size = [frame.visibleRect.width, frame.visibleRect.height];
  const planes = new Uint8Array(frame.allocationSize());
  await frame.copyTo(planes);
  const paint = new OffscreenCanvas(...size).getContext('2d');
  paint.drawImage(frame, 0, 0);
  frame.close();
  const painted = paint.getImageData(0, 0, ...size).data;
  return [...size, [format, matrix, fullRange], text(planes), text(painted)];
}"""

PICTURES = """() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"""

Image = NDArray[np.uint8]


def patches(width: int, height: int, *, first: int = 0) -> Image:
    """Eight colours, four in a row, beginning with the colour of this number."""
    image = np.zeros((height, width, 3), np.uint8)
    for index in range(8):
        colour = COLOURS[(first + index) % 8]
        y, x = index // 4 * height // 2, index % 4 * width // 4
        image[y : y + height // 2, x : x + width // 4] = (
            *(colour >> 16, colour >> 8 & 255, colour & 255),
        )
    return image


def gradient(width: int, height: int) -> Image:
    """Red and blue from left to right, green from top to bottom, without a step."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)
    image[..., 1] = np.linspace(0, 255, height)[:, None]
    image[..., 2] = np.linspace(255, 0, width)
    return image


def chart(width: int, height: int, *, first: int = 0) -> Image:
    """Patches above a gradient."""
    half = height // 2
    return np.concatenate(
        [patches(width, half, first=first), gradient(width, height - half)], axis=0
    )


@dataclass(slots=True)
class Seen:
    """A picture on show."""

    decoded: Image
    """As the decoder gave it, in colours by BT.709."""
    painted: Image
    """As Chromium draws it."""


async def look(page: Page) -> Seen | None:
    """What is on show, in its own size; ``None`` while there is nothing."""
    found = await page.evaluate(READ)
    if found is None:
        return None
    width, height, kind, *texts = found
    assert kind == ["I420", "bt709", False]
    planes, painted = (np.frombuffer(base64.b64decode(text), np.uint8) for text in texts)
    return Seen(
        decoded=to_rgb(planes, width, height),
        painted=painted.reshape(height, width, 4)[..., :3],
    )


def to_rgb(planes: Image, width: int, height: int) -> Image:
    """Limited range to full, by the matrix of BT.709 (table 4)."""
    luma = (planes[: width * height].reshape(height, width) - 16.0) / 219
    chroma = planes[width * height :].reshape(2, height // 2, width // 2)
    blue, red = (chroma.repeat(2, axis=1).repeat(2, axis=2) - 128.0) / 224
    green = luma - 0.1873 * blue - 0.4681 * red
    colours = np.stack([luma + 1.5748 * red, green, luma + 1.8556 * blue], axis=-1)
    return (colours * 255).round().clip(0, 255).astype(np.uint8)


def error(image: Image, truth: Image) -> float:
    """The mean over all pixels and colours, of 255."""
    return float(np.abs(image.astype(int) - truth.astype(int)).mean())


async def assert_seen(page: Page, what: str, truth: Image, *, top: int = 0) -> None:
    """Wait until the page shows it, ``top`` rows from above, and log how well."""
    begun, middle = time.monotonic(), len(truth) // 2
    errors = [255.0] * 3
    while max(errors[:2]) >= MEAN_ERROR or errors[2] >= MEAN_ERROR_PAINTED:
        waited = time.monotonic() - begun
        assert waited < PATIENCE, f"{what}: mean error of patches, gradient, painted: {errors}"
        await asyncio.sleep(0.1)
        seen = await look(page)
        if seen is None or seen.decoded.shape[1] != truth.shape[1]:
            continue
        decoded, painted = (each[top : top + len(truth)] for each in (seen.decoded, seen.painted))
        errors = [
            *(error(decoded[:middle], truth[:middle]), error(decoded[middle:], truth[middle:])),
            error(painted, truth),
        ]
    logging.getLogger(__name__).info(
        "%s: seen after %.1f s, mean error of 255: patches %.2f, gradient %.2f; painted %.2f",
        *(what, time.monotonic() - begun, *errors),
    )


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[tuple[dict[str, str], Painter]]:
    """An X screen of 640x360, and who paints on it."""
    running = Screen(tmp_path)
    environment = {"DISPLAY": running.display, "HOME": str(tmp_path)}
    with running.process, Painter(environment) as painter:
        width, height = painter.size
        backdrop = painter.create("backdrop", x=0, y=0, width=width, height=height)
        painter.picture(backdrop, chart(width, height))
        yield environment, painter


class Pushes:
    """Pushes of parts of one screen to one server."""

    def __init__(self, stack: ExitStack, folder: Path, environment: dict[str, str]) -> None:
        settings = {"GAMECAST_AUTH__PUBLISH": "open"}
        self._stack, self._folder, self._environment = stack, folder, environment
        self._server = stack.enter_context(GamecastServer(folder, settings=settings))
        self._running: dict[str, Process] = {}

    def start(self, name: str, *source: str) -> None:
        """Push this to the channel of that name."""
        arguments = [*source, "--no-cursor", "--audio", "none", "--fps", "10", "--encoder", "x264"]
        process = Process(
            command("push", *arguments, "--bitrate", "2M", f"{self._server.rtmp}/live/{name}"),
            log=self._folder / f"{name}.log",
            env=self._environment,
        )
        self._running[name] = self._stack.enter_context(process)

    async def open(self, name: str, context: BrowserContext) -> Page:
        """A page that shows it, once it is on air."""
        push = self._running[name]
        wait_until(lambda: self._server.stream(name) or not push.running, name, within=20)
        assert push.running, push.output
        page = await context.new_page()
        await page.goto(f"{self._server.http}/embed/{name}")
        return page

    def end(self) -> None:
        """Each has to have served its destination to the end."""
        for push in self._running.values():
            assert push.stop() == 0, push.output


@pytest.mark.interop
async def test_screen_region_and_window_wherever_it_goes(
    screen: tuple[dict[str, str], Painter], tmp_path: Path
) -> None:
    environment, painter = screen
    width, height, left, top = REGION
    game = painter.create("game 1", x=300, y=180, width=320, height=160)
    painter.picture(game, chart(320, 160))
    everything = chart(*painter.size)
    everything[180:340, 300:620] = chart(320, 160)
    with ExitStack() as stack:
        pushes = Pushes(stack, tmp_path, environment)
        pushes.start("screen", "--screen", "0")
        pushes.start("region", "--region", f"{width}x{height}+{left}+{top}")
        pushes.start("game", "--window", r"^game \d$")
        async with chromium() as browser:
            context = await new_context(browser)
            page = await pushes.open("screen", context)
            await assert_seen(page, "screen", everything)
            await page.close()
            page = await pushes.open("region", context)
            region = everything[top : top + height, left : left + width]
            await assert_seen(page, "region", region)
            await page.close()
            page = await pushes.open("game", context)
            await follow(page, painter, game)
        pushes.end()


async def follow(page: Page, painter: Painter, game: int) -> None:
    """The window goes through everything that windows go through, each time with new colours."""
    await assert_seen(page, "window", chart(320, 160))
    painter.move(game, 30, 20)
    painter.picture(game, chart(320, 160, first=1))
    await assert_seen(page, "window that was moved", chart(320, 160, first=1))

    painter.resize(game, 480, 240)
    painter.picture(game, chart(480, 240, first=2))
    await assert_seen(page, "bigger window", chart(320, 160, first=2))

    painter.resize(game, 320, 120)  # of another shape: bars above and below
    painter.picture(game, chart(320, 120, first=3))
    await assert_seen(page, "flat window", chart(320, 120, first=3), top=20)

    painter.destroy(game)
    before = await page.evaluate(PICTURES)
    await page.wait_for_function(f"() => ({PICTURES})() > {before} + 3", timeout=15_000)
    await assert_seen(page, "window that is closed", chart(320, 120, first=3), top=20)
    game = painter.create("game 2", x=200, y=100, width=320, height=160)
    painter.picture(game, chart(320, 160, first=4))
    await assert_seen(page, "window that was closed and opened", chart(320, 160, first=4))
