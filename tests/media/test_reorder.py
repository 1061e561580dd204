from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import video_track
from gamecast.media.packet import Packet
from gamecast.media.reorder import ReorderMeter
from gamecast.media.track import Codec, Kind, Track
from tests.media.codecs.samples import clip, clip_names

VIDEO = Track(id=0, kind=Kind.VIDEO, codec=Codec.H264, clock_rate=90_000)
AUDIO = Track(id=1, kind=Kind.AUDIO, codec=Codec.AAC, clock_rate=48_000)


def pictures(
    shown: Iterable[int], *, key_every: int, fps: int = 25, size: int = 100, first: int = 0
) -> list[Packet]:
    """Packets in decoding order; ``shown`` gives each one's place in presentation order."""
    tick = 90_000 // fps
    return [
        Packet(
            VIDEO, (first + n) * tick, (first + place + 8) * tick, b"x" * size, n % key_every == 0
        )
        for n, place in enumerate(shown)
    ]


def measured(packets: list[Packet]) -> ReorderMeter:
    meter = ReorderMeter()
    for packet in packets:
        meter.write(packet)
    return meter


def ibbp(groups: int) -> list[int]:
    """I P B B P B B, seven pictures a group."""
    return [7 * group + place for group in range(groups) for place in (0, 3, 1, 2, 6, 4, 5)]


def pyramid(groups: int) -> list[int]:
    """I P b B B in which the middle B is referred to: two pictures are held back."""
    return [5 * group + place for group in range(groups) for place in (0, 4, 2, 1, 3)]


@pytest.mark.parametrize(("order", "depth"), [(list(range(30)), 0), (ibbp(4), 1), (pyramid(6), 2)])
def test_depth_of_known_structures(order: list[int], depth: int) -> None:
    meter = measured(pictures(order, key_every=len(order)))
    assert (meter.reorder_depth, meter.b_frames) == (depth, depth > 0)


@pytest.mark.parametrize("name", clip_names("h264", "hevc", "av1"))
def test_real_encoders_do_what_their_configuration_allows(name: str) -> None:
    made = clip(name)
    track = video_track(Codec(made.codec), made.config)
    meter = measured([Packet(track, f.dts, f.pts, f.data, f.key) for f in made.frames])
    assert meter.reorder_depth <= track.reorder_depth
    assert meter.b_frames == (made.codec != "av1")  # AV1 hides the pictures it decodes early
    assert meter.keyframe_interval > 0


def test_b_frames_that_stop_are_forgotten_after_a_group_without() -> None:
    meter = measured(pictures(ibbp(2), key_every=7))
    for index, packet in enumerate(pictures(range(35), key_every=7, first=14)):
        meter.write(packet)
        assert meter.b_frames == (index < 7)


@pytest.mark.parametrize("fps", [25, 30, 60, 1])
def test_frame_rate_and_keyframe_interval(fps: int) -> None:
    meter = measured(pictures(range(10 * fps), key_every=2 * fps, fps=fps))
    assert meter.fps == pytest.approx(fps)
    assert meter.keyframe_interval == pytest.approx(2)


def test_a_keyframe_that_does_not_come_shows() -> None:
    packets = pictures(range(1000), key_every=1000)
    assert measured(packets[:1]).keyframe_interval == 0
    assert measured(packets).keyframe_interval == pytest.approx(999 / 25)
    assert measured(packets[1:]).keyframe_interval == 0


def test_bitrate_of_video_and_of_sound() -> None:
    video = measured(pictures(range(250), key_every=50, size=5000))
    assert video.bitrate == pytest.approx(5000 * 8 * 25)
    sound = measured([Packet(AUDIO, 960 * n, 960 * n, b"x" * 320) for n in range(500)])
    assert sound.bitrate == pytest.approx(128_000)
    assert sound.fps == pytest.approx(50)
    assert (sound.b_frames, sound.keyframe_interval) == (False, 0)


def test_bitrate_follows_a_change_within_seconds() -> None:
    meter = measured(pictures(range(250), key_every=50, size=5000))
    for packet in pictures(range(150), key_every=50, size=500, first=250):
        meter.write(packet)
    assert meter.bitrate == pytest.approx(500 * 8 * 25)


def test_nothing_is_known_of_nothing() -> None:
    meter = ReorderMeter()
    known = (meter.fps, meter.bitrate, meter.keyframe_interval, meter.reorder_depth)
    assert known == (0, 0, 0, 0)
    meter.write(pictures([0], key_every=1)[0])
    assert (meter.fps, meter.bitrate) == (0, 0)


@pytest.mark.parametrize("first", [2_000_000, 0])
def test_a_jump_of_the_timeline_restarts_the_window(first: int) -> None:
    meter = measured(pictures(range(100), key_every=25, first=1_000_000))
    for packet in pictures(range(100), key_every=25, first=first):
        meter.write(packet)
        assert meter.fps == pytest.approx(25) or meter.fps == 0
    assert meter.keyframe_interval == pytest.approx(1)
    assert not meter.b_frames


def test_another_clock_rate_restarts_the_window() -> None:
    meter = ReorderMeter()
    slow = Track(id=1, kind=Kind.AUDIO, codec=Codec.AAC, clock_rate=24_000)
    for n in range(200):
        meter.write(Packet(AUDIO, 960 * n, 960 * n, b"x" * 320))
    for n in range(200):
        meter.write(Packet(slow, 96_000 + 480 * n, 96_000 + 480 * n, b"x" * 320))
    assert meter.fps == pytest.approx(50)


def test_a_flood_of_packets_in_one_instant_stays_bounded() -> None:
    meter = measured([Packet(VIDEO, n, n, b"x") for n in range(10_000)])
    assert meter.fps == pytest.approx(90_000)
    assert len(meter._window) <= 4096


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**40), st.integers(-(2**40), 2**40), st.booleans()), max_size=50
    )
)
def test_any_packets_give_bounded_numbers(stamps: list[tuple[int, int, bool]]) -> None:
    meter = measured([Packet(VIDEO, dts, pts, b"x", key) for dts, pts, key in stamps])
    assert 0 <= meter.reorder_depth <= 16
    assert meter.fps >= 0
    assert meter.bitrate >= 0
    assert meter.keyframe_interval >= 0
