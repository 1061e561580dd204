"""A browser that watches by WebRTC goes on when a stock encoder comes back with another size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import ffmpeg, lipsync
from tests.support.browser import chromium, new_context
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

SMALL = Clip(fps=30, gop_seconds=1, seconds=6, size="320x180", bitrate="4M", noisy=True)
LARGE = Clip(fps=10, gop_seconds=1, seconds=6, size="640x360", bitrate="100k")
"""Both with B-frames. The first sends many packets and the second few: numbers that began anew
would be behind those of the first for a minute."""
WEBRTC = "localStorage.setItem('gamecast', JSON.stringify({protocol: 'whep'}));"
SHOWS = """width => {
  const video = document.querySelector('video');
  return gamecast.player.engine === 'whep' && video.videoWidth === width;
}"""
SEEN_A_LOT = f"async () => (await ({lipsync.RECEIVED})()).video?.packetsReceived > 1000"
COUNT = "() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
MORE = f"count => ({COUNT})() > count + 10"
A_FEW_SECONDS = 15_000
"""On a machine that encodes, encodes again and shows at once, with other tests beside it."""


@pytest.mark.parametrize("leaves_first", [False, True], ids=["takes over", "reconnects"])
async def test_another_size_is_shown_without_a_new_session(
    clips: ClipShelf, tmp_path: Path, leaves_first: bool
) -> None:
    small, large = clips.get(SMALL), clips.get(LARGE)
    with GamecastServer(tmp_path) as server:
        url = server.publish_url()
        with ffmpeg.publish(small, url, folder=tmp_path, loop=True) as first:
            server.wait_on_air()
            async with chromium() as browser:
                context = await new_context(browser)
                await context.add_init_script(WEBRTC + lipsync.KEEP_PEERS)
                page = await context.new_page()
                await page.goto(f"{server.http}/main")
                await page.wait_for_function(SHOWS, arg=320, timeout=30_000)
                await page.wait_for_function(SEEN_A_LOT, polling=500, timeout=60_000)
                if leaves_first:
                    first.stop()
                with ffmpeg.publish(large, url, folder=tmp_path, loop=True):
                    await page.wait_for_function(SHOWS, arg=640, timeout=A_FEW_SECONDS)
                    shown = await page.evaluate(COUNT)
                    await page.wait_for_function(MORE, arg=shown, timeout=A_FEW_SECONDS)
                    received = await page.evaluate(lipsync.RECEIVED)
                    assert received["video"]["frameHeight"] == 360
                    assert await page.evaluate("() => peers.length") == 1, "the player began anew"
