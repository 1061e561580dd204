"""DTLS 1.2 records (RFC 6347 section 4.1) as far as they must be seen from outside OpenSSL.

OpenSSL writes records into a memory BIO without datagram borders, so we set those ourselves; and
records that can only come from a third party are taken out before OpenSSL sees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

HEADER_SIZE = 13
ALERT = 21
HANDSHAKE = 22
APPLICATION_DATA = 23


def split_records(data: bytes) -> Iterator[bytes]:
    """Whole records in ``data``; a torn or oversized tail is left out."""
    offset = 0
    while offset + HEADER_SIZE <= len(data):
        end = offset + HEADER_SIZE + (data[offset + 11] << 8 | data[offset + 12])
        if end > len(data):
            return
        yield data[offset:end]
        offset = end


def pack_datagrams(records: Iterable[bytes], mtu: int) -> list[bytes]:
    """Records joined into datagrams of at most ``mtu`` bytes; a longer record goes alone."""
    datagrams: list[bytes] = []
    current = b""
    for record in records:
        if current and len(current) + len(record) > mtu:
            datagrams.append(current)
            current = b""
        current += record
    return [*datagrams, current] if current else datagrams


def is_plaintext(record: bytes) -> bool:
    """Whether a record is of epoch 0, thus without any protection."""
    return record[3:5] == b"\0\0"


def renumbered(record: bytes, sequence: int) -> bytes:
    """A plaintext record under another sequence number, which no checksum covers."""
    return record[:5] + sequence.to_bytes(6, "big") + record[11:]


def without_forgeable(data: bytes, *, established: bool) -> bytes:
    """A datagram without the records that anybody could have sent to do harm.

    Plaintext alerts end a handshake, so they never count: a peer that really gave up is noticed
    by time-out. Once established, only handshake records of epoch 0 are of use (a retransmitted
    flight, which asks for ours again); plaintext application data is the class of CVE-2019-20786.
    """
    kept = []
    for record in split_records(data):
        if is_plaintext(record):
            if record[0] in (ALERT, APPLICATION_DATA):
                continue
            if established and record[0] != HANDSHAKE:
                continue
        kept.append(record)
    return b"".join(kept)
