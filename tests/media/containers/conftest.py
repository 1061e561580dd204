"""Short clips that ffmpeg wrote, each made once per test run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.peers import CURRENT_FFMPEG, require

VIDEO = {
    "h264": ["libx264", "-preset", "veryfast", "-bf", "3"],
    "hevc": ["libx265", "-preset", "ultrafast", "-bf", "3", "-x265-params", "log-level=error"],
    "av1": ["libsvtav1", "-preset", "12"],
    "vp9": ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
}
AUDIO = {
    "aac": ["aac"],
    "opus": ["libopus"],
    "flac": ["flac"],
    "mp3": ["libmp3lame"],
    "ac3": ["ac3"],
    "eac3": ["eac3"],
}

MakeClip = Callable[..., Path]


def ffmpeg(*arguments: str | Path, timeout: float = 60) -> bytes:
    """Run the newest ffmpeg; it must succeed without a word."""
    done = subprocess.run(
        [require(CURRENT_FFMPEG), "-nostdin", "-v", "error", "-y", *map(str, arguments)],
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith(b"Svt[")]
    assert done.returncode == 0, done.stderr
    assert not lines, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """``make_clip("h264", "aac", "flv")``: the path of a two-second clip in that container."""
    folder = tmp_path_factory.mktemp("containers")
    made: dict[tuple[str | None, str | None, str], Path] = {}

    def make(video: str | None, audio: str | None, container: str = "flv") -> Path:
        key = (video, audio, container)
        if key not in made:
            path = folder / f"{video}-{audio}.{container}"
            inputs: list[str] = []
            outputs: list[str] = []
            if video:
                inputs += ["-f", "lavfi", "-i", "testsrc2=size=192x108:rate=30"]
                outputs += ["-c:v", *VIDEO[video], "-g", "30", "-pix_fmt", "yuv420p"]
            if audio:
                inputs += ["-f", "lavfi", "-i", "aevalsrc=sin(2*PI*(220+20*t)*t):s=48000:c=stereo"]
                outputs += ["-c:a", *AUDIO[audio]]
            ffmpeg(*inputs, *outputs, "-t", "2", path)
            made[key] = path
        return made[key]

    return make
