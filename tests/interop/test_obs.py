"""OBS Studio as it comes: default output settings, a custom server, a stream key."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer
from tests.support.obs import ObsStudio

pytestmark = pytest.mark.interop


def test_obs_publishes_with_default_settings(
    gamecast_server: GamecastServer, clips: ClipShelf, tmp_path: Path
) -> None:
    server = gamecast_server
    media = clips.get(Clip())
    recordings = {form: tmp_path / f"{form}.mkv" for form in ("rtmp", "flv", "mp4")}
    key = server.new_key("main")
    with ObsStudio(tmp_path, server=f"{server.rtmp}/live", key=key, media=media) as obs:
        obs.wait_for_log("Streaming Start")
        stream = server.wait_on_air("main")
        with contextlib.ExitStack() as stack:
            recorders = [
                stack.enter_context(ffmpeg.record(server.play_url(form), path, seconds=3))
                for form, path in recordings.items()
            ]
            for recorder in recorders:
                recorder.finish()
        assert "Disconnected" not in obs.log
    assert key not in server.log

    codecs = {track["kind"]: track["codec"] for track in stream["tracks"]}
    assert codecs == {"video": "h264", "audio": "aac"}
    assert stream["publisher"]["protocol"] == "rtmp"
    for path in recordings.values():
        judge.assert_clean(path)
        assert set(judge.streams(path)) == {"video", "audio"}
    # OBS encodes live, so the recordings are held against each other.
    rtmp = judge.units(recordings["rtmp"])
    for form in ("flv", "mp4"):
        judge.assert_same_stretch(judge.units(recordings[form]), rtmp, at_least=60)
