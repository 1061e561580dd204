"""H.264 by the letter of RFC 6184."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs.h264 import build_avcc
from gamecast.media.codecs.nal import join_nal_units
from gamecast.media.errors import MediaError
from gamecast.media.payloads.h264 import FU_A, STAP_A, H264Depacketizer, H264Packetizer

SPS = bytes.fromhex("6742c01eda02802dc8")
PPS = bytes.fromhex("68ce3c80")
IDR = b"\x65\x88" + bytes(range(1, 200)) * 10
SLICE = b"\x41\x9a" + b"\x55" * 100


def _depacketize(payloads: list[bytes]) -> list[bytes]:
    depacketizer = H264Depacketizer()
    last = len(payloads) - 1
    units = []
    for index, payload in enumerate(payloads):
        units += depacketizer.write(payload, timestamp=1, marker=index == last)
    return [unit.data for unit in units]


def test_parameter_sets_go_in_front_of_an_idr_that_has_none() -> None:
    packetizer = H264Packetizer(build_avcc([SPS], [PPS]))
    payloads = packetizer.packetize(join_nal_units([IDR]))
    assert payloads[0] == bytes([0x78]) + b"\0\x09" + SPS + b"\0\x04" + PPS
    assert payloads[0][0] & 31 == STAP_A
    assert _depacketize(payloads) == [join_nal_units([SPS, PPS, IDR])]


def test_parameter_sets_are_not_sent_twice_nor_without_need() -> None:
    packetizer = H264Packetizer(build_avcc([SPS], [PPS]))
    own = join_nal_units([SPS, PPS, IDR])
    assert _depacketize(packetizer.packetize(own)) == [own]
    assert packetizer.packetize(join_nal_units([SLICE])) == [SLICE]


def test_fragments_are_of_one_size_and_restore_the_header() -> None:
    payloads = H264Packetizer(mtu=500).packetize(join_nal_units([IDR]))
    assert [payload[0] for payload in payloads] == [0x60 | FU_A] * 4
    assert [payload[1] for payload in payloads] == [0x85, 0x05, 0x05, 0x45]
    assert len({len(payload) for payload in payloads[:-1]}) == 1
    assert _depacketize(payloads) == [join_nal_units([IDR])]


def test_delimiters_and_filler_are_left_out() -> None:
    data = join_nal_units([b"\x09\xf0", SLICE, b"\x0c\xff\x80"])
    assert H264Packetizer().packetize(data) == [SLICE]


def test_buffer_timing_is_left_out_and_what_else_a_message_says_is_kept() -> None:
    timing = b"\x06\x00\x02ab\x01\x03abc\x80"
    captions = b"\x06\x01\x01a\x04\x03abc\x80"
    cut_off = b"\x06\x01\x09a\x80"
    data = join_nal_units([timing, captions, cut_off, b"\x06\x80", SLICE])
    payloads = H264Packetizer().packetize(data)
    assert _depacketize(payloads) == [join_nal_units([captions, cut_off, b"\x06\x80", SLICE])]


def test_a_fragment_without_start_is_no_picture() -> None:
    depacketizer = H264Depacketizer()
    assert depacketizer.write(b"\x7c\x05abc", timestamp=1, marker=False) == []
    assert depacketizer.write(b"\x7c\x45abc", timestamp=1, marker=True) == []
    assert depacketizer.dropped == 1


def test_an_open_fragment_at_the_marker_is_no_picture() -> None:
    depacketizer = H264Depacketizer()
    assert depacketizer.write(b"\x7c\x85\x88bc", timestamp=1, marker=True) == []
    assert depacketizer.dropped == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"\x78\x00\x09\x67",  # STAP-A whose unit runs past the end
        b"\x78\x00",
        b"\x78\x00\x02\x78\x00",  # STAP-A inside a STAP-A
        b"\x7c",  # FU-A without its header
        b"\x79abc",  # STAP-B
        b"\x7dabc",  # FU-B
        b"\x00",
        b"\x1f",
    ],
)
def test_malformed_payloads_are_refused(payload: bytes) -> None:
    with pytest.raises(MediaError):
        H264Depacketizer().write(payload, timestamp=1, marker=True)


@given(
    st.lists(st.binary(min_size=2, max_size=300), min_size=1, max_size=8),
    st.integers(64, 400),
)
@settings(max_examples=80)
def test_any_units_come_back(bodies: list[bytes], mtu: int) -> None:
    units = [b"\x41" + body for body in bodies]
    payloads = H264Packetizer(mtu=mtu).packetize(join_nal_units(units))
    assert all(len(payload) <= mtu for payload in payloads)
    assert _depacketize(payloads) == [join_nal_units(units)]


def test_a_fragment_without_end_damages_its_picture() -> None:
    depacketizer = H264Depacketizer()
    depacketizer.write(b"\x7c\x85\x80begin", timestamp=1, marker=False)
    with pytest.raises(MediaError):
        depacketizer.write(b"\x65\x80whole", timestamp=1, marker=False)
    assert depacketizer.write(b"\x7c\x45end", timestamp=1, marker=True) == []
    assert depacketizer.dropped == 1
    (unit,) = depacketizer.write(b"\x65\x80next", timestamp=2, marker=True)
    assert unit.data == b"\0\0\0\6\x65\x80next"
