"""ffmpeg's transport streams in, ours out, and ffmpeg finds byte for byte the same frames."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gamecast.media.containers.mpegts import Demuxer, Muxer
from gamecast.media.packet import Packet
from tests.support.peers import CURRENT_FFMPEG, require

X265 = ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"]
VIDEO = {"h264": ["libx264", "-preset", "veryfast", "-bf", "2"], "hevc": X265}
AUDIO = {"aac": "aac", "opus": "libopus", "ac3": "ac3", "eac3": "eac3", "mp3": "libmp3lame"}


def make(folder: Path, video: str | None, audio: str | None, *flags: str) -> Path:
    path = folder / "in.ts"
    command = [require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-y"]
    if video:
        command += ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30"]
    if audio:
        command += ["-f", "lavfi", "-i", "sine=f=440:r=48000"]
    command += ["-t", "2", "-g", "30"]
    command += ["-c:v", *VIDEO[video]] if video else []
    command += ["-c:a", AUDIO[audio], "-ac", "2"] if audio else []
    subprocess.run([*command, *flags, path], check=True, timeout=60)
    return path


def frames(path: Path, kind: str) -> list[tuple[int, str]]:
    """Presentation time (from the first) and hash of every frame, as ffmpeg demuxes them."""
    done = subprocess.run(
        [
            *(require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-i", str(path)),
            *("-map", f"0:{kind}:0", "-c", "copy", "-f", "framehash", "-hash", "md5", "-"),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    found = [line.split(",") for line in done.stdout.splitlines() if line[0] != "#"]
    first = int(found[0][2])
    return [(int(fields[2]) - first, fields[5].strip()) for fields in found]


@pytest.mark.interop
@pytest.mark.parametrize(
    ("video", "audio"),
    [("h264", "aac"), ("hevc", "opus"), (None, "ac3"), (None, "eac3"), (None, "mp3")],
)
def test_every_codec_goes_through_unchanged(
    tmp_path: Path, video: str | None, audio: str | None
) -> None:
    path = make(tmp_path, video, audio)
    demuxer = Demuxer()
    packets: list[Packet] = demuxer.read(path.read_bytes()) + demuxer.flush()
    assert demuxer.damaged == demuxer.continuity_errors == demuxer.jumps == 0
    muxer = Muxer(list(demuxer.tracks.values()))
    ours = tmp_path / "out.ts"
    ours.write_bytes(b"".join([muxer.write(packet) for packet in packets]))
    for kind in (["v"] if video else []) + (["a"] if audio else []):
        sent, got = frames(path, kind), frames(ours, kind)
        assert [digest for _, digest in got] == [digest for _, digest in sent]
        assert all(abs(a - b) <= 2 for (a, _), (b, _) in zip(sent, got, strict=True))


@pytest.mark.interop
def test_latm_is_the_same_aac(tmp_path: Path) -> None:
    path = make(tmp_path, None, "aac", "-mpegts_flags", "latm")
    demuxer = Demuxer()
    latm = demuxer.read(path.read_bytes()) + demuxer.flush()
    path = make(tmp_path, None, "aac")
    demuxer = Demuxer()
    adts = demuxer.read(path.read_bytes()) + demuxer.flush()
    assert [packet.data for packet in latm] == [packet.data for packet in adts]
    assert latm[0].track.config == adts[0].track.config
