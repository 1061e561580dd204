"""What we write, read by ffprobe, ffmpeg and PyAV: the same bytes, times exact to the tick."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import pytest

from gamecast.media.codecs.frames import packet_samples
from gamecast.media.containers import fmp4
from gamecast.media.containers.flv import TagReader, read_file_tags
from gamecast.media.packet import Packet
from gamecast.media.track import Color, Track
from tests.media.containers.conftest import MakeClip, ffmpeg
from tests.support.peers import require

AnyPacket: TypeAlias = "av.Packet[Any]"
PAIRS = [
    ("h264", "aac"),
    ("hevc", "aac"),
    ("av1", "opus"),
    ("vp9", "flac"),
    ("h264", "mp3"),
    ("hevc", "ac3"),
    ("h264", "eac3"),
    ("h264", None),
    (None, "aac"),
    (None, "opus"),
]
FOURCC = {
    "h264": "avc1",
    "hevc": "hvc1",
    "av1": "av01",
    "vp9": "vp09",
    "aac": "mp4a",
    "mp3": "mp4a",
    "opus": "Opus",
    "flac": "fLaC",
    "ac3": "ac-3",
    "eac3": "ec-3",
}
FAR = 1 << 33
"""Ticks that every time is moved by, so that tfdt must have 64 bits."""


def read(path: Path) -> tuple[list[Track], list[list[Packet]]]:
    reader = TagReader()
    packets: dict[int, list[Packet]] = {}
    for tag in read_file_tags(path.read_bytes()):
        for packet in reader.read(tag.type, tag.timestamp, tag.payload):
            packets.setdefault(packet.track.id, []).append(packet)
    ids = sorted(packets)
    return [packets[id][-1].track for id in ids], [packets[id] for id in ids]


def run_of(number: int, packets: Sequence[Packet], following: Sequence[Packet]) -> fmp4.TrackRun:
    """Video lasts until the next packet, the last as long as the one before; audio its samples."""
    samples = []
    ends = [packet.dts for packet in [*packets[1:], *following[:1]]]
    for index, packet in enumerate(packets):
        if packet.is_video:
            end = ends[index] if index < len(ends) else packet.dts + 3000
            duration = end - packet.dts
        else:
            duration = packet_samples(packet.track, packet.data)
        cts = packet.pts - packet.dts
        samples.append(fmp4.Sample(duration, packet.data, packet.keyframe, cts))
    return fmp4.TrackRun(number, FAR + packets[0].dts, samples)


def write(path: Path, tracks: list[Track], packets: list[list[Packet]], pieces: int = 5) -> Path:
    """Some fragments, each with a share of every track's packets."""
    parts = [fmp4.init_segment(tracks)]
    for piece in range(pieces):
        runs = []
        for number, track_packets in enumerate(packets, 1):
            size = -(-len(track_packets) // pieces)
            mine = track_packets[piece * size : (piece + 1) * size]
            if mine:
                runs.append(run_of(number, mine, track_packets[(piece + 1) * size :]))
        parts += [fmp4.segment_type(last=piece == pieces - 1), fmp4.fragment(piece + 1, runs)]
    path.write_bytes(b"".join(parts))
    return path


def demux(path: Path, index: int) -> list[AnyPacket]:
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(container.streams[index]) if packet.size]


def probe(path: Path, *options: str) -> dict[str, Any]:
    command = [require("ffprobe"), "-v", "error", "-of", "json", *options, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert not done.stderr, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(("video", "audio"), PAIRS)
def test_every_reader_sees_the_packets_that_were_written(
    make_clip: MakeClip, video: str | None, audio: str | None, tmp_path: Path
) -> None:
    tracks, packets = read(make_clip(video, audio))
    path = write(tmp_path / "ours.mp4", tracks, packets)
    streams = probe(path, "-show_streams")["streams"]
    codecs = [codec for codec in (video, audio) if codec]
    assert [stream["codec_tag_string"] for stream in streams] == [FOURCC[c] for c in codecs]
    assert [stream["codec_name"] for stream in streams] == codecs
    for index, (track, ours) in enumerate(zip(tracks, packets, strict=True)):
        theirs = demux(path, index)
        assert [bytes(packet) for packet in theirs] == [packet.data for packet in ours]
        assert [packet.time_base for packet in theirs] == [Fraction(1, track.clock_rate)] * len(
            ours
        )
        assert [packet.dts for packet in theirs] == [FAR + packet.dts for packet in ours]
        assert [packet.pts for packet in theirs] == [FAR + packet.pts for packet in ours]
        assert [packet.is_keyframe for packet in theirs] == [packet.keyframe for packet in ours]
    ffmpeg("-i", path, "-f", "null", "-")  # decodes everything; any complaint fails
    probe(path, "-count_frames", "-show_entries", "stream=nb_read_frames")


@pytest.mark.parametrize(("video", "audio"), PAIRS)
def test_the_pictures_and_the_sound_are_the_same(
    make_clip: MakeClip, video: str | None, audio: str | None, tmp_path: Path
) -> None:
    original = make_clip(video, audio)
    path = write(tmp_path / "ours.mp4", *read(original))
    if video:
        assert decoded(path, "v") == decoded(original, "v")
    if audio not in (None, "aac", "mp3", "opus"):  # those trim by what the container says
        assert decoded(path, "a") == decoded(original, "a")


def decoded(path: Path, kind: str) -> list[bytes]:
    out = ffmpeg("-i", path, "-map", f"0:{kind}", "-fps_mode", "passthrough", "-f", "framemd5", "-")
    return [line.rsplit(b",", 1)[1] for line in out.splitlines() if not line.startswith(b"#")]


@pytest.mark.parametrize(("video", "audio"), [("h264", "aac"), ("hevc", "aac"), ("av1", "opus")])
def test_a_copy_by_ffmpeg_is_bit_exact(
    make_clip: MakeClip, video: str, audio: str, tmp_path: Path
) -> None:
    tracks, packets = read(make_clip(video, audio))
    path = write(tmp_path / "ours.mp4", tracks, packets)
    copy = tmp_path / "copy.mp4"
    ffmpeg("-i", path, "-c", "copy", copy)
    for index, ours in enumerate(packets):
        assert [bytes(packet) for packet in demux(copy, index)] == [p.data for p in ours]


def test_colour_is_read_from_the_sample_entry(make_clip: MakeClip, tmp_path: Path) -> None:
    tracks, packets = read(make_clip("vp9", "flac"))
    tracks[0] = replace(
        tracks[0], color=Color(9, 16, 9)
    )  # VP9 itself has no room for the first two
    (video, _) = probe(write(tmp_path / "ours.mp4", tracks, packets), "-show_streams")["streams"]
    assert video["color_primaries"] == "bt2020"
    assert video["color_transfer"] == "smpte2084"


def test_stream_parameters_come_from_the_sample_entries(
    make_clip: MakeClip, tmp_path: Path
) -> None:
    tracks, packets = read(make_clip("h264", "aac"))
    streams = probe(write(tmp_path / "ours.mp4", tracks, packets), "-show_streams")["streams"]
    assert (streams[0]["width"], streams[0]["height"]) == (192, 108)
    assert streams[0]["has_b_frames"] > 0
    assert streams[0]["time_base"] == "1/90000"
    assert (streams[1]["sample_rate"], streams[1]["channels"]) == ("48000", 2)
    assert streams[1]["time_base"] == "1/48000"
