"""What is on the screen is what Chromium shows: through capture, encoder, server and player."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Page

from tests.client.capture.x11.windows import Painter
from tests.support.browser import chromium, new_context
from tests.support.gamecast import GamecastServer, command
from tests.support.obs import Screen
from tests.support.process import Process

COLOURS = (0xFF0000, 0x00FF00, 0x0000FF, 0xFFFFFF, 0x808080, 0xC08040, 0x4080C0, 0xFFD000)
BLOCK = 80
WIDTH, HEIGHT = BLOCK * 4, BLOCK * 2
LEFT, TOP = 150, 90
MEAN_ERROR = 3.0

READ = """() => {
  const video = document.querySelector('video');
  if (!video || !video.videoWidth || video.currentTime < 0.5) return null;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const paint = canvas.getContext('2d');
  paint.drawImage(video, 0, 0);
  const data = paint.getImageData(0, 0, canvas.width, canvas.height).data;
  let text = '';
  for (let at = 0; at < data.length; at += 32768)
    text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [canvas.width, canvas.height, btoa(text)];
}"""

Image = NDArray[np.uint8]


def expected() -> Image:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for index, colour in enumerate(COLOURS):
        y, x = index // 4 * BLOCK, index % 4 * BLOCK
        image[y : y + BLOCK, x : x + BLOCK] = (colour >> 16, colour >> 8 & 255, colour & 255)
    return image


async def shown(page: Page) -> Image:
    """The picture on show, in its own size."""
    found = await page.wait_for_function(READ, timeout=30_000)
    width, height, text = await found.json_value()
    data = np.frombuffer(base64.b64decode(text), np.uint8)
    return data.reshape(height, width, 4)[..., :3].copy()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Eight colours on a screen, and a window that shows them once more by being behind."""
    running = Screen(tmp_path)
    environment = {"DISPLAY": running.display, "HOME": str(tmp_path)}
    with running.process, Painter(environment) as painter:
        size = painter.size
        painter.create("backdrop", x=0, y=0, width=size[0], height=size[1])
        for index, colour in enumerate(COLOURS):
            y, x = TOP + index // 4 * BLOCK, LEFT + index % 4 * BLOCK
            painter.create(f"c{index}", x=x, y=y, width=BLOCK, height=BLOCK, colour=colour)
        moved = painter.create("moved", x=0, y=300, width=64, height=48, colour=COLOURS[5])
        painter.move(moved, 20, 310)
        yield environment


@pytest.mark.interop
async def test_the_colours_of_screen_region_and_window(
    screen: dict[str, str], tmp_path: Path
) -> None:
    sources = {
        "screen": ["--screen", "0"],
        "region": ["--region", f"{WIDTH}x{HEIGHT}+{LEFT}+{TOP}"],
        "window": ["--window", "^moved$"],
    }
    images: dict[str, Image] = {}
    settings = {"GAMECAST_AUTH__PUBLISH": "open"}
    with ExitStack() as stack:
        server = stack.enter_context(GamecastServer(tmp_path, settings=settings))
        for name, source in sources.items():
            arguments = [*source, "--no-cursor", "--audio", "none", "--fps", "10"]
            url = f"{server.rtmp}/live/{name}"
            process = Process(
                command("push", *arguments, "--encoder", "x264", "--bitrate", "2M", url),
                log=tmp_path / f"{name}.log",
                env=screen,
            )
            stack.enter_context(process)
        async with chromium() as browser:
            page = await (await new_context(browser)).new_page()
            for name in sources:
                server.wait_on_air(name, tracks=1)
                await page.goto(f"{server.http}/embed/{name}")
                images[name] = await shown(page)
    wanted = expected()
    region = images["region"]
    assert region.shape == wanted.shape
    part = images["screen"][TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]
    window = np.full((48, 64, 3), (0xC0, 0x80, 0x40), np.uint8)
    for seen, truth in ((region, wanted), (part, wanted), (images["window"], window)):
        assert seen.shape == truth.shape
        error = np.abs(seen.astype(int) - truth.astype(int))
        assert error.mean() < MEAN_ERROR, error.reshape(-1, 3).mean(axis=0)
