"""AV1 by the letter of its RTP specification."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs.av1 import normalise, write_leb128
from gamecast.media.errors import MediaError
from gamecast.media.payloads.av1 import Av1Depacketizer, Av1Packetizer


def _obu(kind: int, body: bytes) -> bytes:
    """An OBU with a size."""
    return bytes([kind << 3 | 2]) + write_leb128(len(body)) + body


SEQUENCE, FRAME = _obu(1, b"sequence"), _obu(6, b"\x30frame")
KEYFRAME = _obu(6, b"\x00keyframe")


def _depacketize(payloads: list[bytes]) -> list[bytes]:
    depacketizer = Av1Depacketizer()
    last = len(payloads) - 1
    units = []
    for index, payload in enumerate(payloads):
        units += depacketizer.write(payload, timestamp=1, marker=index == last)
    return [unit.data for unit in units]


def test_small_units_share_a_packet_without_size_fields() -> None:
    (payload,) = Av1Packetizer().packetize(SEQUENCE + FRAME)
    assert payload == bytes([0x28]) + b"\x09\x08sequence" + b"\x30\x30frame"
    assert _depacketize([payload]) == [SEQUENCE + FRAME]


def test_delimiters_are_not_sent() -> None:
    delimiter = bytes([0x12, 0x00])
    (payload,) = Av1Packetizer().packetize(delimiter + FRAME)
    assert payload == bytes([0x10]) + b"\x30\x30frame"


def test_a_keyframe_without_sequence_header_gets_the_configured_one() -> None:
    packetizer = Av1Packetizer(b"\x81\x00\x0c\x00" + SEQUENCE)
    assert _depacketize(packetizer.packetize(KEYFRAME)) == [SEQUENCE + KEYFRAME]
    assert _depacketize(packetizer.packetize(FRAME)) == [FRAME]


def test_long_units_are_cut_and_marked() -> None:
    data = _obu(6, b"\x10" + bytes(250))
    payloads = Av1Packetizer(mtu=100).packetize(data)
    assert [payload[0] & 0xC0 for payload in payloads] == [0x40, 0xC0, 0x80]
    assert [len(payload) for payload in payloads[:-1]] == [100, 100]
    assert _depacketize(payloads) == [data]


def test_elements_that_all_have_lengths_are_read() -> None:
    payload = bytes([0x00]) + b"\x03\x30\x10a" + b"\x02\x30b"
    assert _depacketize([payload]) == [_obu(6, b"\x10a") + _obu(6, b"b")]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x00\xff",  # length cut short
        b"\x00\x7fab",  # element past the end
        b"\x30\x01\x30",  # three elements said, one there
        b"\x00" + b"\xff" * 9,  # LEB128 too long
        b"\x10\x34",  # extension flag without the extension
    ],
)
def test_malformed_payloads_are_refused(payload: bytes) -> None:
    with pytest.raises(MediaError):
        Av1Depacketizer().write(payload, timestamp=1, marker=True)


@given(
    st.lists(st.tuples(st.sampled_from([1, 3, 4, 5, 6]), st.binary(max_size=400)), min_size=1),
    st.integers(64, 300),
)
@settings(max_examples=100)
def test_any_units_come_back(obus: list[tuple[int, bytes]], mtu: int) -> None:
    data = b"".join(_obu(kind, body) for kind, body in obus[:20])
    payloads = Av1Packetizer(mtu=mtu).packetize(data)
    assert all(len(payload) <= mtu for payload in payloads)
    assert _depacketize(payloads) == [normalise(data)]
