"""Opus with H.264, as browsers and OBS send it by WHIP, reaches old FLV and RTMP players as AAC."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer
from tests.support.peers import CURRENT_FFMPEG, require

pytestmark = pytest.mark.interop

CLIP = Clip(audio="opus", seconds=8, gop_seconds=3)
RATE = 48_000
WINDOW = RATE // 5


def samples(path: Path) -> np.ndarray:
    """The decoded sound of a recording, one channel."""
    command: list[str | Path] = [require("ffmpeg"), "-v", "error", "-nostdin", "-i", path]
    command += ["-map", "0:a", "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return np.frombuffer(done.stdout, np.float32)


def pitch(sound: np.ndarray) -> float:
    """The loudest frequency of a window, Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), len(sound) * 8))
    return float(np.argmax(spectrum)) * RATE / (len(sound) * 8)


def test_old_players_get_aac_in_sync(
    open_server: GamecastServer, clips: ClipShelf, tmp_path: Path, new_name: Callable[[], str]
) -> None:
    name, source = new_name(), clips.get(CLIP)
    paths = {form: tmp_path / f"{form}.mkv" for form in ("flv", "rtmp")}
    with contextlib.ExitStack() as stack:
        url = f"{open_server.rtmp}/live/{name}"
        publisher = stack.enter_context(
            ffmpeg.publish(source, url, folder=tmp_path, program=CURRENT_FFMPEG)
        )
        open_server.wait_on_air(name, tracks=2)
        recorders = [
            stack.enter_context(ffmpeg.record(open_server.play_url(form, name), path))
            for form, path in paths.items()
        ]
        publisher.finish()
        for recorder in recorders:
            recorder.finish()
    published = judge.units(source)
    for form, path in paths.items():
        judge.assert_clean(path)
        assert judge.streams(path)["audio"]["codec_name"] == "aac", form
        pictures, sound = judge.units(path), judge.units(path, "a")
        start = judge.assert_slice(pictures, published, at_least=3 * CLIP.fps)
        moved = pictures[0].pts - published[start].pts
        assert abs(sound[0].pts - pictures[0].pts) < Fraction(1, 10), "sound from the start"
        assert pictures[-1].pts - sound[-1].pts < Fraction(1, 4), "sound to the end"
        steps = {after.pts - before.pts for before, after in itertools.pairwise(sound)}
        assert max(steps) < Fraction(25, 1000), "without a gap"
        heard = samples(path)
        for second in range(1, int(len(heard) / RATE) - 1):
            begin = second * RATE - WINDOW // 2
            expected = 220 + 40 * float(second + sound[0].pts - moved)
            assert pitch(heard[begin : begin + WINDOW]) == pytest.approx(expected, abs=2), (
                "40 Hz a second: 2 Hz are 50 ms"
            )
