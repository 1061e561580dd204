"""ffmpeg as a publisher and as a recorder."""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.support.peers import require
from tests.support.process import Process

_numbers = itertools.count(1)


def publish(
    path: Path, url: str, *, folder: Path, program: str = "ffmpeg", loop: bool = False
) -> Process:
    """Send a file to ``url`` at the speed it plays, without touching its access units.

    ``program`` is ``"ffmpeg"`` or ``peers.CURRENT_FFMPEG``; only the latter speaks Enhanced RTMP.
    """
    command: list[str | Path] = [
        require(program),
        "-hide_banner",
        "-nostdin",
        "-v",
        "warning",
        "-re",
    ]
    if loop:
        command += ["-stream_loop", "-1"]
    command += ["-i", path, "-map", "0", "-c", "copy"]
    command += ["-flvflags", "no_duration_filesize", "-f", "flv", url]
    return Process(command, log=_log(folder, "publish"))


def publish_scene(
    url: str, *, folder: Path, options: list[str], program: str = "ffmpeg"
) -> Process:
    """Encode a live test scene with the given output options and send it to ``url``."""
    inputs = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30"]
    inputs += ["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
    command = [require(program), "-hide_banner", "-nostdin", "-v", "warning", *inputs]
    return Process([*command, *options, "-f", "flv", url], log=_log(folder, "publish"))


def record(url: str, to: Path, *, seconds: float | None = None, program: str = "ffmpeg") -> Process:
    """Copy what ``url`` plays to a file, for ``seconds`` of media or until its end."""
    command: list[str | Path] = [
        require(program),
        "-hide_banner",
        "-nostdin",
        "-v",
        "warning",
        "-y",
    ]
    if url.startswith("rtmp"):
        command += ["-rtmp_live", "live"]
    command += ["-i", url, "-map", "0:v?", "-map", "0:a?", "-c", "copy"]
    if seconds is not None:
        command += ["-t", str(seconds)]
    return Process([*command, to], log=_log(to.parent, f"record-{to.stem}"))


def _log(folder: Path, name: str) -> Path:
    return folder / f"{name}-{next(_numbers)}.log"
