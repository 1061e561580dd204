"""HEVC by the letter of RFC 7798."""

from __future__ import annotations

import pytest

from gamecast.media.codecs.nal import join_nal_units
from gamecast.media.errors import MediaError
from gamecast.media.payloads.hevc import HevcDepacketizer, HevcPacketizer

VPS, SPS, PPS = b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps"
IDR = b"\x26\x01" + b"\xaf" + bytes(range(1, 250)) * 6
TRAIL = b"\x02\x01" + b"\xd0" + b"\x55" * 60


def _depacketize(payloads: list[bytes]) -> list[bytes]:
    depacketizer = HevcDepacketizer()
    last = len(payloads) - 1
    units = []
    for index, payload in enumerate(payloads):
        units += depacketizer.write(payload, timestamp=1, marker=index == last)
    return [unit.data for unit in units]


def test_parameter_sets_share_an_aggregation_packet() -> None:
    data = join_nal_units([VPS, SPS, PPS, IDR])
    payloads = HevcPacketizer(mtu=500).packetize(data)
    assert payloads[0] == b"\x60\x01" + b"\0\5" + VPS + b"\0\5" + SPS + b"\0\5" + PPS
    assert _depacketize(payloads) == [data]


def test_fragments_restore_the_two_byte_header() -> None:
    payloads = HevcPacketizer(mtu=500).packetize(join_nal_units([IDR]))
    assert [payload[:2] for payload in payloads] == [b"\x62\x01"] * 4
    assert [payload[2] for payload in payloads] == [0x80 | 19, 19, 19, 0x40 | 19]
    assert _depacketize(payloads) == [join_nal_units([IDR])]


def test_delimiters_and_buffer_timing_are_left_out() -> None:
    timing = b"\x4e\x01\x01\x02ab\x80"
    data = join_nal_units([b"\x46\x01\x50", timing, TRAIL])
    assert HevcPacketizer().packetize(data) == [TRAIL]


def test_a_picture_whose_first_slice_is_missing_is_dropped() -> None:
    depacketizer = HevcDepacketizer()
    depacketizer.write(TRAIL, timestamp=1, marker=True)
    second_slice = b"\x02\x01" + b"\x50" + b"\x55" * 9
    assert depacketizer.write(second_slice, timestamp=2, marker=True, lost=True) == []
    assert depacketizer.dropped == 1
    (unit,) = depacketizer.write(TRAIL, timestamp=3, marker=True, lost=True)
    assert unit.data == join_nal_units([TRAIL])


@pytest.mark.parametrize(
    "payload",
    [
        b"\x60",
        b"\x60\x01",
        b"\x60\x01\x00\x09\x40",  # unit past the end
        b"\x60\x01\x00\x03\x60\x01\x00",  # aggregate inside an aggregate
        b"\x62\x01",  # fragment without its header
        b"\x64\x01\x00",  # PACI
    ],
)
def test_malformed_payloads_are_refused(payload: bytes) -> None:
    with pytest.raises(MediaError):
        HevcDepacketizer().write(payload, timestamp=1, marker=True)


def test_a_unit_shorter_than_its_header_is_refused() -> None:
    with pytest.raises(MediaError):
        HevcPacketizer().packetize(b"\0\0\0\1\x02")
