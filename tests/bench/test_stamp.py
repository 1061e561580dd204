from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.bench.figures import Figures
from gamecast.bench.source import Source, SourceSettings
from gamecast.bench.stamp import MAX_STEP, SIZE, Stamp, find_stamps, stamp_again, stamp_nal
from gamecast.media.codecs.nal import nal_units

numbers = st.integers(min_value=0, max_value=2**27 - 1)


@settings(max_examples=50)
@given(
    st.integers(min_value=0, max_value=2**63 - 1),
    numbers,
    numbers,
    st.booleans(),
    st.integers(min_value=1, max_value=MAX_STEP),
    st.binary(max_size=50),
)
def test_a_stamp_is_found_wherever_it_stands(
    time_ns: int, number: int, group: int, keyframe: bool, step: int, before: bytes
) -> None:
    stamp = stamp_nal(time_ns, number, group, keyframe=keyframe, step=step)
    data = before + stamp + before
    expected = Stamp(time_ns, number, group, keyframe, step, (0,) * (step - 1))
    assert list(find_stamps(data, len(data))) == [expected]


def test_what_is_about_to_leave_is_stamped_again() -> None:
    stamp = stamp_nal(5, 2, 3, keyframe=True)
    data = bytearray(b"before" + stamp + b"behind")
    stamp_again(data, 1 << 60)
    assert list(find_stamps(data, len(data))) == [Stamp(1 << 60, 2, 3, keyframe=True)]
    assert data.startswith(b"before")
    assert data.endswith(b"behind")
    for unstamped in (b"", b"no stamp", stamp[:-10]):
        data = bytearray(unstamped)
        stamp_again(data, 1 << 60)
        assert data == unstamped


def test_a_stamp_that_is_cut_is_not_found_yet() -> None:
    data = stamp_nal(1, 2, 3)
    whole = data.index(b"\xb7\xa1") + SIZE
    assert not list(find_stamps(data, whole - 1))
    assert len(list(find_stamps(data, whole))) == 1


def test_a_stamp_tells_when_frames_without_one_were_sent() -> None:
    stamp = stamp_nal(90, 8, 0, step=4, earlier=[70, 80])
    (found,) = find_stamps(stamp, len(stamp))
    assert found.earlier == (0, 70, 80), "nothing is known of the first"
    assert b"\x00\x00" not in stamp[4:]
    (found,) = find_stamps(stamp, len(stamp) - 2)
    assert found.earlier == (), "it ends too soon"


def test_frames_without_a_stamp_are_measured_if_none_is_missing() -> None:
    figures = Figures(scans=True, asked_at=0.0)
    second = 1_000_000_000
    stamp = Stamp(10 * second, 8, 0, step=4, earlier=(0, 8 * second, 9 * second))
    figures.see(stamp, wall_ns=11 * second, now=1.0, earlier=[8 * second] * 2)
    assert list(figures.delays) == [1.0]
    figures.see(stamp, wall_ns=12 * second, now=1.0, earlier=[8 * second, 12 * second, 14 * second])
    assert list(figures.delays) == [1.0, 2.0, 4.0, 5.0]


def test_no_byte_of_a_stamp_needs_emulation_prevention() -> None:
    nal = stamp_nal(0, 0, 0)[4:]
    assert b"\x00\x00" not in nal


@pytest.mark.parametrize("b_frames", [0, 2])
def test_the_source_loops_without_a_seam(b_frames: int) -> None:
    wanted = SourceSettings(bitrate=2_000_000, fps=30, group=30, b_frames=b_frames)
    source = Source(wanted)
    packets = [source.video_packet(number, 7) for number in range(90)]
    assert [packet.dts for packet in packets] == [number * 3000 for number in range(90)]
    assert [n for n, packet in enumerate(packets) if packet.keyframe] == [0, 30, 60]
    assert sorted(packet.pts for packet in packets) == [
        packets[0].pts + number * 3000 for number in range(90)
    ]
    assert any(packet.pts != packet.dts + packets[0].pts for packet in packets) == bool(b_frames)
    bits = sum(len(packet.data) for packet in packets) * 8 / 3
    assert bits == pytest.approx(wanted.bitrate, rel=0.2)
    assert all(nal_units(packet.data)[0][0] & 0x1F == 6 for packet in packets)


def test_stamps_may_be_some_frames_apart() -> None:
    source = Source(SourceSettings(bitrate=1_000_000, fps=30, group=30, stamp_every=6))
    figures = Figures(scans=True, asked_at=0.0)
    for number in range(60):
        data = source.video_packet(number, 7).data
        stamps = list(find_stamps(data, len(data)))
        assert len(stamps) == (number % 6 == 0)
        for stamp in stamps if number != 12 else []:
            figures.see(stamp, wall_ns=8, now=1.0)
    assert figures.missed_frames == 6, "the stamp that was not seen stands for so many"


@pytest.mark.parametrize(("every", "group"), [(7, 30), (MAX_STEP + 1, 2 * (MAX_STEP + 1))])
def test_stamps_fit_into_groups(every: int, group: int) -> None:
    with pytest.raises(ValueError, match="stamp every"):
        Source(SourceSettings(fps=30, group=group, stamp_every=every))
