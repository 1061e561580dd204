"""Retransmission: ring, budget and the way back."""

from __future__ import annotations

import pytest

from gamecast.protocols.webrtc.batch import HeaderLine, PacketBatch, make_batches
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtp import RtpPacket, build_extensions, parse_rtp
from gamecast.protocols.webrtc.rtx import RetransmissionRing, RtxSender, restore

LINE = HeaderLine(ssrc=5, payload_type=96, extension_block=build_extensions({3: b"abc"}))


def _batch(first: int, count: int = 4) -> PacketBatch:
    payloads = [bytes([index]) * 100 for index in range(count)]
    (batch,) = make_batches(payloads, LINE, first_sequence=first, timestamp=77)
    return batch


def test_a_repeated_packet_is_restored() -> None:
    ring = RetransmissionRing()
    batch = _batch(65534)
    ring.add(batch, 1.0)
    sender = RtxSender(ssrc=6, payload_type=97, max_rate=1e6, sequence=65535)
    for offset, sequence in enumerate((65534, 65535, 0, 1)):
        found = ring.find(sequence, 1.1)
        assert found is not None
        repeated = sender.repeat(*found, now=1.1)
        assert repeated is not None
        packet = parse_rtp(repeated[0] + repeated[1])
        assert (packet.ssrc, packet.payload_type) == (6, 97)
        assert packet.sequence == 65535 + offset & 0xFFFF
        original = restore(packet, ssrc=5, payload_type=96)
        assert original == parse_rtp(batch.headers[offset] + batch.payloads[offset])


def test_padding_of_the_original_survives() -> None:
    payloads = [b"a" * 100, b"b" * 90, b"c" * 100]
    (batch,) = make_batches(payloads, LINE, first_sequence=1, timestamp=1)
    sender = RtxSender(ssrc=6, payload_type=97, max_rate=1e6)
    repeated = sender.repeat(batch.headers[1], batch.payloads[1], now=0.0)
    assert repeated is not None
    restored = restore(parse_rtp(repeated[0] + repeated[1]), ssrc=5, payload_type=96)
    assert restored is not None
    assert restored.payload == b"b" * 90


def test_the_ring_forgets_by_count_and_by_age() -> None:
    ring = RetransmissionRing(capacity=8, max_age=2.0)
    ring.add(_batch(0, 10), 1.0)
    assert ring.find(0, 1.0) is None
    assert ring.find(1, 1.0) is None
    assert ring.find(2, 1.0) is not None
    assert ring.find(9, 3.5) is None
    with pytest.raises(ValueError):
        RetransmissionRing(capacity=100)


def test_a_viewer_cannot_multiply_what_we_send() -> None:
    sender = RtxSender(ssrc=6, payload_type=97, max_rate=10_000)
    batch = _batch(0, 64)
    sent = 0
    now = 0.0
    for _ in range(200):
        now += 0.01
        for header, payload in zip(batch.headers, batch.payloads, strict=True):
            repeated = sender.repeat(header, payload, now)
            sent += len(repeated[0]) + len(repeated[1]) if repeated else 0
    assert sent <= 10_000 * now + 5_000 + 64 * 4
    assert sender.refused > 0


def test_the_same_packet_is_not_repeated_twice_at_once() -> None:
    sender = RtxSender(ssrc=6, payload_type=97, max_rate=1e6)
    batch = _batch(0)
    assert sender.repeat(batch.headers[0], batch.payloads[0], 1.0) is not None
    assert sender.repeat(batch.headers[0], batch.payloads[0], 1.001) is None
    assert sender.repeat(batch.headers[0], batch.payloads[0], 1.1) is not None


def test_a_probe_is_no_packet_and_half_a_number_is_an_error() -> None:
    assert restore(RtpPacket(97, 1, 2, 6, b""), ssrc=5, payload_type=96) is None
    with pytest.raises(WebRtcError):
        restore(RtpPacket(97, 1, 2, 6, b"x"), ssrc=5, payload_type=96)
