"""Short encoded clips, made once per test run: what publishers send."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.peers import CURRENT_FFMPEG, require

VIDEO_ENCODERS = {
    "h264": ["libx264", "-preset", "veryfast", "-profile:v", "high"],
    "hevc": [
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=error",
        "-tag:v",
        "hvc1",
    ],
    "av1": ["libsvtav1", "-preset", "12"],
}
AUDIO_ENCODERS = {"aac": ["aac", "-b:a", "96k"], "opus": ["libopus", "-b:a", "64k"]}

RISING_TONE = "aevalsrc=0.3*sin(2*PI*(220+20*t)*t):sample_rate=48000"
"""No two frames of it are alike, so that a frame's hash says where it belongs."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A moving test picture and a tone. ``None`` leaves out that half."""

    video: str | None = "h264"
    audio: str | None = "aac"
    seconds: float = 6.0
    fps: int = 60
    gop_seconds: float = 2.0
    b_frames: int = 2
    size: str = "320x180"
    bitrate: str = "600k"
    noisy: bool = False
    """Add noise, which no encoder can make small."""

    @property
    def gop(self) -> int:
        """Frames from keyframe to keyframe."""
        return round(self.fps * self.gop_seconds)

    def arguments(self) -> list[str]:
        """ffmpeg's arguments, without the program and the output."""
        inputs: list[str] = []
        outputs: list[str] = []
        if self.video:
            inputs += ["-f", "lavfi", "-i", self._picture()]
            outputs += ["-c:v", *VIDEO_ENCODERS[self.video], "-pix_fmt", "yuv420p"]
            outputs += ["-g", str(self.gop), "-b:v", self.bitrate, *self._structure()]
        if self.audio:
            inputs += ["-f", "lavfi", "-i", RISING_TONE]
            outputs += ["-c:a", *AUDIO_ENCODERS[self.audio], "-ac", "2"]
        return [*inputs, *outputs, "-t", str(self.seconds)]

    def _picture(self) -> str:
        noise = ",noise=alls=60:allf=t" if self.noisy else ""
        return f"testsrc2=size={self.size}:rate={self.fps}{noise}"

    def _structure(self) -> list[str]:
        """Keyframes at the asked distance and nowhere else; B-frames where the encoder has them."""
        if self.video == "av1":
            return ["-svtav1-params", "scd=0"]
        return ["-keyint_min", str(self.gop), "-sc_threshold", "0", "-bf", str(self.b_frames)]


class ClipShelf:
    """Makes each clip once and keeps it in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[Clip, Path] = {}

    def get(self, clip: Clip) -> Path:
        """The path of ``clip`` as an MP4 file."""
        if clip not in self._made:
            path = self._folder / f"clip{len(self._made)}.mp4"
            command: list[str | Path] = [
                require(CURRENT_FFMPEG),
                "-v",
                "error",
                "-nostdin",
                *clip.arguments(),
            ]
            subprocess.run([*command, path], check=True, timeout=60, stdin=subprocess.DEVNULL)
            self._made[clip] = path
        return self._made[clip]
