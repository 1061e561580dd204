"""VP8 with Opus, as a browser without an H.264 encoder sends it, reaches players without these."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from pathlib import Path

import pytest

from gamecast.media.track import Kind
from tests.support import ffmpeg, hls, judge
from tests.support.firefox import own_address
from tests.support.gamecast import GamecastServer
from tests.support.peers import gstreamer_peer
from tests.support.process import Process
from tests.transcode.scenes import beep_times, flash_and_beep, flash_times, load, of_kind, pictures

pytestmark = [pytest.mark.interop, pytest.mark.timeout(150)]

SECONDS = 8.0
SOUND = {"flv": "aac", "rtmp": "aac", "ts": "opus", "srt": "opus", "hls": "opus"}
"""What players of each way out expect beside H.264."""
TOGETHER = 0.08
"""Seconds between a flash and its beep: GStreamer's own encoders are a picture or two apart."""


def make_clip(folder: Path) -> Path:
    """A flash and a beep each second, for GStreamer to decode and encode in its own way."""
    x264 = ["libx264", "-preset", "veryfast", "-g", "60"]
    return flash_and_beep(folder / "clip.mp4", seconds=60, video=x264, audio=["aac"])


def test_every_way_out_has_h264_and_sound_that_its_players_know(tmp_path: Path) -> None:
    """GStreamer's ICE leaves the loopback out."""
    program = gstreamer_peer("whip_publish.py", "vp8enc", "opusenc")
    settings = {"GAMECAST_AUTH__PUBLISH": "open"}
    paths = {form: tmp_path / f"{form}.mkv" for form in SOUND}
    clip = make_clip(tmp_path)
    with (
        GamecastServer(tmp_path, settings=settings, options=("--host", own_address())) as server,
        contextlib.ExitStack() as stack,
    ):
        command = [*program, f"{server.http}/live/scene/whip", str(clip), "vp8"]
        stack.enter_context(Process(command, log=tmp_path / "whip.log"))
        server.wait_on_air("scene", tracks=2)
        # Until then GStreamer's first sender reports have moved the picture to its sound.
        hls.wait_for_segments(server, "scene", 5)
        recorders = [
            stack.enter_context(
                ffmpeg.record(server.play_url(form, "scene"), path, seconds=SECONDS)
            )
            for form, path in paths.items()
        ]
        for recorder in recorders:
            recorder.finish()
        stream = server.stream("scene")
        assert stream is not None
        assert {track["codec"] for track in stream["tracks"]} == {"vp8", "opus"}
    for form, path in paths.items():
        assert_plays(form, path)


def assert_plays(form: str, path: Path) -> None:
    """Pictures in H.264 without a gap, sound of the same moment, groups that HLS can cut."""
    judge.assert_clean(path)
    codecs = {kind: stream["codec_name"] for kind, stream in judge.streams(path).items()}
    assert codecs == {"video": "h264", "audio": SOUND[form]}, form
    packets = load(path)
    seen = pictures(of_kind(packets, Kind.VIDEO), low_delay=False)
    assert len(seen) > 0.85 * 30 * SECONDS, form
    flashes = flash_times(seen)
    beeps = beep_times(of_kind(packets, Kind.AUDIO))
    assert len(flashes) >= SECONDS - 2, form
    assert len(beeps) >= SECONDS - 2, form
    apart = [min((beep - flash for beep in beeps), key=abs) for flash in flashes[1:-1]]
    assert max(map(abs, apart)) < TOGETHER, (form, apart)
    keys = [packet.dts / 90_000 for packet in packets if packet.is_video and packet.keyframe]
    gaps = [after - before for before, after in pairwise(keys)]
    assert max(gaps) < 2.6, (form, gaps)
