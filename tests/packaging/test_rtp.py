"""RTP lines: numbers that only go forward, whatever becomes of the track."""

from __future__ import annotations

from dataclasses import replace

from gamecast.media.codecs import audio_track, video_track
from gamecast.media.codecs.opus import OpusConfig, build_opus_head
from gamecast.media.packet import Packet
from gamecast.media.track import Codec
from gamecast.packaging.rtp import RtpLine
from tests.support.media import AVCC, Feed, h264_track

OPUS = audio_track(Codec.OPUS, build_opus_head(OpusConfig(channels=2)))


def pictures(count: int, first: int = 0) -> list[Packet]:
    """Pictures of 30 a second."""
    feed = Feed(video=h264_track(), audio=None, first_frame=first)
    return list(feed.packets(count / 30))


def test_numbers_go_on_across_a_configuration() -> None:
    line = RtpLine(h264_track(), 1, clock_rate=90_000)
    before = [line.write(packet) for packet in pictures(3)]
    line.change_track(h264_track(AVCC[:3] + b"\x0e" + AVCC[4:]))
    after = [line.write(packet) for packet in pictures(3, first=3)]
    frames = [frame for frame in [*before, *after] if frame is not None]
    assert [frame.timestamp for frame in frames] == [number * 3000 for number in range(6)]
    ends = [frame.first_sequence + len(frame.payloads) for frame in frames]
    assert [frame.first_sequence for frame in frames] == [0, *ends[:-1]]


def test_a_picture_from_before_the_last_one_goes_right_behind_it() -> None:
    line = RtpLine(h264_track(), 1, clock_rate=90_000)
    one, two, three = pictures(3)
    frames = [line.write(packet) for packet in (two, one, replace(one, pts=one.pts + 1), three)]
    assert [frame.timestamp for frame in frames if frame] == [3000, 3001, 3002, 6000]


def test_sound_is_not_sent_twice() -> None:
    line = RtpLine(OPUS, 2, clock_rate=48_000)
    sounds = list(Feed(video=None, audio=OPUS).packets(0.2))
    sent = [line.write(packet) for packet in [*sounds[:5], *sounds[3:]]]
    assert [frame is not None for frame in sent] == [True] * 5 + [False] * 2 + [True] * 5
    sequences = [frame.first_sequence for frame in sent if frame is not None]
    assert sequences == list(range(len(sounds)))


def test_picture_ids_of_vp8_go_on() -> None:
    """Players take one that jumps back for a picture that is too late."""
    small = video_track(Codec.VP8, b"", width=320, height=180)
    line = RtpLine(small, 1, clock_rate=90_000)
    first = line.write(Packet(small, 0, 0, b"\x10" + bytes(20)))
    large = replace(small, width=640, height=360)
    line.change_track(large)
    second = line.write(Packet(large, 3000, 3000, b"\x10" + bytes(20)))
    assert first is not None
    assert second is not None
    ids = [int.from_bytes(frame.payloads[0][2:4], "big") & 0x7FFF for frame in (first, second)]
    assert ids == [0, 1]
