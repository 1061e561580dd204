"""A replay saved while the machine is busy plays in Chromium, and is as long as it says."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import pytest

from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.tone import Tone
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.target import parse_target
from gamecast.client.session import PushSession
from tests.client.rtmp_peer import RtmpPeer
from tests.support import judge
from tests.support.browser import chromium, media_time, new_context
from tests.support.events import wait_until


def busy(until: threading.Event) -> None:
    while not until.is_set():
        sum(range(20_000))


@pytest.mark.interop
async def test_a_replay_saved_under_load(tmp_path: Path) -> None:
    path = tmp_path / "replay.mp4"
    settings = VideoSettings(
        width=320, height=180, fps=Fraction(30), bitrate=400_000, keyframe_interval=1.0
    )
    quiet = threading.Event()
    load = threading.Thread(target=busy, args=(quiet,), daemon=True)
    with RtmpPeer() as peer:
        session = PushSession(
            sources=[TestScene(320, 180, Fraction(30)), Tone()],
            video=VideoEncoder("libx264", settings),
            audio=[AudioEncoder(AudioSettings())],
            targets=[parse_target(peer.url(), {})],
            replay=2.0,
        )
        pushing = threading.Thread(target=session.run, daemon=True)
        pushing.start()
        load.start()
        wait_until(lambda: session.elapsed() > 4, "some seconds on air", within=30)
        assert session.ring is not None
        seconds = session.ring.save(path, session.replay_tracks)
        sent = peer.publications[0].pictures[-1].timestamp
        wait_until(
            lambda: peer.publications[0].pictures[-1].timestamp > sent, "the stream to go on"
        )
        quiet.set()
        session.stop()
        pushing.join(20)
    judge.assert_clean(path)
    units = judge.units(path)
    assert 2.0 <= seconds <= 3.5
    assert float(units[-1].pts - units[0].pts) == pytest.approx(seconds, abs=0.15)
    async with chromium() as browser:
        page = await (await new_context(browser)).new_page()
        await page.goto(path.as_uri())
        playing = "() => document.querySelector('video')?.readyState >= 3"
        await page.wait_for_function(playing, timeout=30_000)
        await page.evaluate("() => document.querySelector('video').play()")
        length = await page.evaluate("document.querySelector('video').duration")
        assert length == pytest.approx(seconds, abs=0.25)
        await page.wait_for_function(
            "() => document.querySelector('video').currentTime > 0.5", timeout=30_000
        )
        assert await media_time(page) > 0.5
