"""RTCP: every kind of packet, compounds, and lengths that lie."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    parse_rtcp,
)
from gamecast.protocols.webrtc.rtcp_feedback import (
    MAX_NACKED,
    FullIntraRequest,
    GenericNack,
    PictureLossIndication,
    ReceiverEstimate,
)
from gamecast.protocols.webrtc.twcc import MAX_STATUSES, TransportFeedback

BLOCK = ReportBlock(0xDEADBEEF, 128, -3, 0x1FFFF, 77, 0x12345678, 65536)
PACKETS: list[RtcpPacket] = [
    SenderReport(1, 0xE000000080000000, 90_000, 10, 1000),
    SenderReport(1, 2, 3, 4, 5, [BLOCK, BLOCK]),
    ReceiverReport(7),
    ReceiverReport(7, [BLOCK]),
    SourceDescription({1: "a", 2: "somewhat@longer", 3: ""}),
    Goodbye([1, 2]),
    Goodbye([9], "camera off"),
    GenericNack(1, 2, [3, 4, 20, 65535, 0, 100]),
    PictureLossIndication(1, 2),
    FullIntraRequest(1, {2: 7, 3: 255}),
    ReceiverEstimate(1, 1_000_000, [2, 3]),
    TransportFeedback(1, 2, 65534, 9, [2560, None, 2600, 9000, 8990]),
]


@pytest.mark.parametrize("packet", PACKETS, ids=lambda packet: type(packet).__name__)
def test_what_is_built_is_parsed(packet: RtcpPacket) -> None:
    data = packet.to_bytes()
    assert len(data) % 4 == 0
    assert parse_rtcp(data) == [packet]


def test_a_compound_is_cut_into_its_packets() -> None:
    assert parse_rtcp(b"".join(packet.to_bytes() for packet in PACKETS)) == PACKETS


def test_packets_of_unknown_kind_are_left_out() -> None:
    application = bytes.fromhex("80cc000200000001") + b"name"
    extended = bytes.fromhex("80cf000100000001")
    unknown_feedback = bytes.fromhex("9fcd000200000001 00000002".replace(" ", ""))
    pli = PictureLossIndication(1, 2)
    data = application + extended + unknown_feedback + pli.to_bytes()
    assert parse_rtcp(data) == [pli]


def test_padding_of_the_last_packet_is_taken_off() -> None:
    data = bytearray(PictureLossIndication(1, 2).to_bytes() + b"\0\0\0\4")
    data[0] |= 0x20
    data[3] += 1
    assert parse_rtcp(bytes(data)) == [PictureLossIndication(1, 2)]


def test_remb_by_the_letter() -> None:
    # draft-alvestrand-rmcat-remb-03: mantissa 0x3ffff, exponent 1.
    data = bytes.fromhex("8fce0005000000010000000052454d420107ffff00000002")
    assert parse_rtcp(data) == [ReceiverEstimate(1, 0x3FFFF << 1, [2])]


@pytest.mark.parametrize(("exponent", "expected"), [(0, 0), (63, (1 << 63) - 1)])
def test_remb_extremes(exponent: int, expected: int) -> None:
    packed = (exponent << 18 | (0x3FFFF if exponent else 0)).to_bytes(3, "big")
    data = bytes.fromhex("8fce0004000000010000000052454d4200") + packed
    assert parse_rtcp(data) == [ReceiverEstimate(1, expected, [])]


def test_a_nack_for_thousands_is_cut_short() -> None:
    pairs = b"".join((17 * i & 0xFFFF).to_bytes(2, "big") + b"\xff\xff" for i in range(1000))
    head = bytes.fromhex("81cd") + (len(pairs) // 4 + 2).to_bytes(2, "big") + bytes(8)
    (nack,) = parse_rtcp(head + pairs)
    assert isinstance(nack, GenericNack)
    assert nack.sequences == list(range(MAX_NACKED))


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        b"\x80\xc8\x00\x01\x00\x00\x00\x01",  # SR too short
        b"\x80\xc8\x00\xff" + bytes(24),  # length past the end
        b"\x9f\xc9\x00\x01" + bytes(4),  # RR with 31 blocks, none there
        b"\x40\xc9\x00\x01" + bytes(4),  # version 1
        b"\x81\xca\x00\x00",  # SDES without its chunk
        b"\x81\xca\x00\x02\x00\x00\x00\x01\x01\xff\x00\x00",  # item past the end
        b"\x82\xcb\x00\x01" + bytes(4),  # BYE for two sources with one
        b"\x81\xcb\x00\x02\x00\x00\x00\x01\x09abc",  # reason past the end
        b"\x81\xcd\x00\x01" + bytes(4),  # NACK without media source
        b"\x8f\xce\x00\x03" + bytes(8) + b"REMB",
        b"\x8f\xce\x00\x04" + bytes(8) + b"REMB" + b"\x05\x00\x00\x00",  # 5 sources, none there
        b"\xa0\xc9\x00\x01\x00\x00\x00\x09",  # padding longer than the packet
        b"\xa0\xc9\x00\x00",
        b"\x8f\xcd\x00\x04" + bytes(10) + b"\0\3" + bytes(4),  # transport-cc, no chunks
        b"\x80\xc9\x00\x01\x00\x00\x00\x01" * 65,  # compound of too many packets
    ],
)
def test_malformed_packets_are_refused(data: bytes) -> None:
    with pytest.raises(WebRtcError):
        parse_rtcp(data)


@given(st.binary(max_size=120), st.sampled_from([200, 201, 202, 203, 205, 206]), st.integers(0, 31))
@settings(max_examples=300)
def test_only_the_documented_error_escapes(tail: bytes, kind: int, count: int) -> None:
    tail = tail[: len(tail) // 4 * 4]
    framed = bytes([0x80 | count, kind]) + (len(tail) // 4).to_bytes(2, "big") + tail
    for data in (tail, framed):
        try:
            packets = parse_rtcp(data)
        except WebRtcError:
            continue
        for packet in packets:
            if isinstance(packet, TransportFeedback):
                assert len(packet.arrivals) <= MAX_STATUSES
            if isinstance(packet, GenericNack):
                assert len(packet.sequences) <= MAX_NACKED
