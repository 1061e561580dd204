"""Files that ffmpeg wrote, read by us; files that we wrote, read by ffmpeg."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import pytest

from gamecast.media.containers.flv import TagReader, TagWriter, read_file_tags
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track
from tests.media.containers.conftest import MakeClip, ffmpeg

AnyPacket: TypeAlias = "av.Packet[Any]"
MILLISECOND = Fraction(1, 1000)
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


def read(path: Path) -> tuple[dict[int, list[Packet]], TagReader]:
    reader = TagReader()
    packets: dict[int, list[Packet]] = defaultdict(list)
    for tag in read_file_tags(path.read_bytes()):
        for packet in reader.read(tag.type, tag.timestamp, tag.payload):
            packets[packet.track.id].append(packet)
    return packets, reader


def payload(packet: AnyPacket) -> bytes:
    """The packet as we keep it: libavformat leaves AV1's temporal delimiters in."""
    data = bytes(packet)
    if packet.stream.codec_context.name in ("av1", "libdav1d"):
        return data.removeprefix(b"\x12\x00")
    return data


def demux(path: Path, kind: str) -> list[AnyPacket]:
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [packet for packet in container.demux(streams) if packet.size]


def seconds(packet: Packet) -> tuple[Fraction, Fraction]:
    rate = packet.track.clock_rate
    return Fraction(packet.dts, rate), Fraction(packet.pts, rate)


@pytest.mark.parametrize(("video", "audio"), PAIRS)
def test_packets_are_those_that_libavformat_reads(
    make_clip: MakeClip, video: str | None, audio: str | None
) -> None:
    path = make_clip(video, audio)
    packets, reader = read(path)
    assert {track.id for track in reader.tracks.values()} == {
        id for id, codec in ((0, video), (1, audio)) if codec
    }
    for id, kind, codec in ((0, "video", video), (1, "audio", audio)):
        theirs = demux(path, kind) if codec else []
        ours = packets[id]
        assert [payload(packet) for packet in theirs] == [packet.data for packet in ours]
        for there, here in zip(theirs, ours, strict=True):
            assert here.track.codec == codec
            assert there.dts is not None
            assert there.pts is not None
            assert there.time_base is not None
            dts, pts = seconds(here)
            # Sound is counted in samples from the first stamp, so it is off by the rounding.
            slack = MILLISECOND if kind == "audio" else Fraction(0)
            assert abs(dts - there.dts * there.time_base) <= slack
            assert abs(pts - there.pts * there.time_base) <= slack
            assert here.keyframe == there.is_keyframe


@pytest.mark.parametrize("video", ["h264", "hevc"])
def test_b_frames_are_reordered(make_clip: MakeClip, video: str) -> None:
    packets, reader = read(make_clip(video, "aac"))
    shown = [packet.pts for packet in packets[0]]
    assert shown != sorted(shown)
    assert len(set(shown)) == len(shown) == 60
    assert reader.tracks[0].reorder_depth > 0


@pytest.mark.parametrize(("video", "audio"), PAIRS)
def test_our_files_are_read_back_by_us_exactly(
    make_clip: MakeClip, video: str | None, audio: str | None, tmp_path: Path
) -> None:
    packets, reader = read(make_clip(video, audio))
    path = write(tmp_path / "ours.flv", packets, list(reader.tracks.values()))
    again, reader_again = read(path)
    assert reader_again.tracks == reader.tracks
    for id in packets:
        assert [(p.dts, p.pts, p.keyframe, p.data) for p in again[id]] == [
            (p.dts, p.pts, p.keyframe, p.data) for p in packets[id]
        ]


@pytest.mark.parametrize(("video", "audio"), PAIRS)
def test_our_files_are_clean_to_ffmpeg(
    make_clip: MakeClip, video: str | None, audio: str | None, tmp_path: Path
) -> None:
    original = make_clip(video, audio)
    packets, reader = read(original)
    path = write(tmp_path / "ours.flv", packets, list(reader.tracks.values()))
    for kind, codec in (("video", video), ("audio", audio)):
        if codec:
            ours, theirs = demux(path, kind), demux(original, kind)
            assert [payload(packet) for packet in ours] == [payload(packet) for packet in theirs]
            slack = 0 if kind == "video" else 1
            for here, there in zip(ours, theirs, strict=True):
                assert here.dts is not None
                assert there.dts is not None
                assert here.pts is not None
                assert there.pts is not None
                assert abs(here.dts - there.dts) <= slack
                assert abs(here.pts - there.pts) <= slack
    ffmpeg("-i", path, "-f", "null", "-")  # decodes everything; any complaint fails
    with av.open(str(path)) as container:
        described = container.metadata
    assert "encoder" in described
    if reader.tracks.get(0):
        assert Codec(video or "") is reader.tracks[0].codec


def write(path: Path, packets: dict[int, list[Packet]], tracks: list[Track]) -> Path:
    writer = TagWriter(tracks, extra={"encoder": "gamecast"})
    parts = [writer.header()]
    parts += [writer.tag(*message) for message in writer.sequence_headers(0)]
    flat = [packet for some in packets.values() for packet in some]
    flat.sort(key=lambda packet: Fraction(packet.dts, packet.track.clock_rate))
    parts += [writer.tag(*writer.message(packet)) for packet in flat]
    path.write_bytes(b"".join(parts))
    return path


def test_multitrack_files_are_read_and_written(make_clip: MakeClip, tmp_path: Path) -> None:
    several = tmp_path / "several.flv"
    first, second = make_clip("h264", "aac", "mp4"), make_clip("hevc", "opus", "mp4")
    maps = ["-map", "0:v", "-map", "1:v", "-map", "0:a", "-map", "1:a"]
    ffmpeg("-i", first, "-i", second, *maps, "-c", "copy", several)
    packets, reader = read(several)
    codecs = {id: track.codec for id, track in reader.tracks.items()}
    assert sorted(codecs) == [0, 1, 2, 3]
    assert (codecs[0], codecs[1]) == (Codec.H264, Codec.AAC)
    assert {codecs[2], codecs[3]} == {Codec.HEVC, Codec.OPUS}
    ours = write(tmp_path / "ours.flv", packets, [reader.tracks[id] for id in sorted(codecs)])
    for path in (several, ours):
        with av.open(str(path)) as container:
            found = {stream.codec_context.name for stream in container.streams}
        assert found == {"h264", "hevc", "aac", "opus"}
    pictures, sound = demux(several, "video"), demux(several, "audio")
    assert [(bytes(p), p.dts, p.pts) for p in demux(ours, "video")] == [
        (bytes(p), p.dts, p.pts) for p in pictures
    ]
    assert {bytes(p) for p in demux(ours, "audio")} == {bytes(p) for p in sound}
