"""Whether a recording is what was published: bit for bit, and clean to somebody else's decoder."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.support.peers import CURRENT_FFMPEG, require

MILLISECONDS = Fraction(2, 1000)
"""How far a time may be off: RTMP and Matroska round to whole milliseconds, each its own way."""


@dataclass(slots=True)
class Unit:
    """One access unit or audio frame of a file. Times are in seconds."""

    dts: Fraction
    pts: Fraction
    size: int
    hash: str


def run(*command: str | Path, timeout: float = 60) -> str:
    """The standard output of a program; its error output and status are part of the judgement."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr.strip(), done.stderr
    return done.stdout


def units(path: Path, kind: str = "v") -> list[Unit]:
    """Every packet of the first video (``"v"``) or audio (``"a"``) stream, with its MD5."""
    return _hashes(path, "-map", f"0:{kind}:0", "-c", "copy")


def pictures(path: Path) -> list[Unit]:
    """Every decoded picture in the order of display, with the MD5 of its pixels."""
    return _hashes(path, "-map", "0:v:0", "-enc_time_base", "demux", "-fps_mode", "passthrough")


def _hashes(path: Path, *options: str) -> list[Unit]:
    text = run(
        *(require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-i", path),
        *(*options, "-f", "framehash", "-hash", "md5", "-"),
    )
    base = Fraction(1)
    found = []
    for line in text.splitlines():
        if line.startswith("#tb"):
            base = Fraction(line.split(":", 1)[1].strip())
        elif line and not line.startswith("#"):
            _, dts, pts, _, size, digest, *_ = (part.strip() for part in line.split(","))
            found.append(Unit(int(dts) * base, int(pts) * base, int(size), digest))
    return found


def keyframes(path: Path) -> list[int]:
    """The positions, in decoding order, of the video packets from which a decoder can start."""
    packets = probe(path, "-select_streams", "v:0", "-show_entries", "packet=flags")["packets"]
    return [index for index, packet in enumerate(packets) if "K" in packet["flags"]]


def probe(path: Path | str, *options: str) -> dict[str, Any]:
    """ffprobe's JSON; any error line of its own fails."""
    text = run(require("ffprobe"), "-v", "error", "-of", "json", *options, str(path))
    answer: dict[str, Any] = json.loads(text)
    return answer


def streams(path: Path | str) -> dict[str, dict[str, Any]]:
    """ffprobe's description of the first stream of each kind."""
    found: dict[str, dict[str, Any]] = {}
    for stream in probe(path, "-show_streams")["streams"]:
        found.setdefault(stream["codec_type"], stream)
    return found


def assert_clean(path: Path) -> None:
    """Decode everything with ffprobe and with the newest ffmpeg: neither may say a word."""
    probe(path, "-count_frames", "-show_entries", "stream=nb_read_frames")
    decode = [require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-i", str(path)]
    # The file's own time base: with a guessed frame rate ffmpeg would find fault with its rounding.
    run(*decode, "-enc_time_base", "demux", "-f", "null", "-")


def assert_slice(recorded: list[Unit], published: list[Unit], *, at_least: int) -> int:
    """Fail unless ``recorded`` is an unbroken stretch of ``published``; return where it starts.

    Every unit must be the same bytes and keep its distance to the first in decoding and
    presentation time, to the millisecond that RTMP can say.
    """
    assert len(recorded) >= at_least, f"only {len(recorded)} units recorded"
    start = find(recorded, published)
    stretch = published[start : start + len(recorded)]
    for here, there in zip(recorded, stretch, strict=True):
        assert abs((here.dts - recorded[0].dts) - (there.dts - stretch[0].dts)) <= MILLISECONDS
        assert abs((here.pts - here.dts) - (there.pts - there.dts)) <= MILLISECONDS
    return start


def find(recorded: list[Unit], published: list[Unit]) -> int:
    """Where in ``published`` the same units stand, unbroken and in this order."""
    hashes = [unit.hash for unit in published]
    wanted = [unit.hash for unit in recorded]
    assert wanted[0] in hashes, "the first recorded unit was never published"
    start = hashes.index(wanted[0])
    for offset, (here, there) in enumerate(zip(wanted, hashes[start:], strict=False)):
        assert here == there, f"unit {offset} after published unit {start} is another one"
    assert len(wanted) <= len(hashes) - start, "more units recorded than published"
    return start


def assert_same_stretch(one: list[Unit], other: list[Unit], *, at_least: int) -> None:
    """Fail unless two recordings of one live stream agree wherever they overlap."""
    if one[0].hash not in [unit.hash for unit in other]:
        one, other = other, one
    start = [unit.hash for unit in other].index(one[0].hash)
    common = min(len(one), len(other) - start)
    assert common >= at_least, f"only {common} units in common"
    find(one[:common], other)
