"""OBS Studio publishes over SRT as docs/srt.md says: address as server, key in its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer
from tests.support.obs import ObsStudio

pytestmark = pytest.mark.interop

PASSPHRASE = "correct-horse-battery"


def test_obs_publishes_over_encrypted_srt(clips: ClipShelf, tmp_path: Path) -> None:
    media, played = clips.get(Clip()), tmp_path / "played.ts"
    settings = {"GAMECAST_SRT__PASSPHRASE": PASSPHRASE}
    with GamecastServer(tmp_path, settings=settings) as server:
        secret = f"passphrase={PASSPHRASE}"
        url = f"{server.ready['srt']}?latency=200000&{secret}"
        with ObsStudio(tmp_path, server=url, key=server.key, media=media) as obs:
            stream = server.wait_on_air("main")
            source = f"{server.play_url('srt')}&{secret}"
            ffmpeg.record(source, played, seconds=3).finish()
            assert "Disconnected" not in obs.log
        assert server.key not in server.log
    assert stream["publisher"]["protocol"] == "srt"
    codecs = {track["kind"]: track["codec"] for track in stream["tracks"]}
    assert codecs == {"video": "h264", "audio": "aac"}
    judge.assert_clean(played)
    assert set(judge.streams(played)) == {"video", "audio"}
    assert len(judge.units(played)) >= 60
