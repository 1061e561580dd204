"""The digests inside a handshake packet, which tell Adobe's programs from others.

They are not in the published specification; they prove nothing (the keys are public) but several
servers answer H.264 players, and ffmpeg trusts a server, only when they are right. A packet
carries an HMAC-SHA256 of itself at an offset that four of its bytes give: "scheme 0" reads that
offset at byte 8, "scheme 1" at byte 772.
"""

from __future__ import annotations

import hmac

PACKET_SIZE = 1536
DIGEST_SIZE = 32

_SALT = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
CLIENT_KEY = b"Genuine Adobe Flash Player 001"
SERVER_KEY = b"Genuine Adobe Flash Media Server 001"

SCHEMES = (0, 1)
_OFFSET_AT = (8, 772)


def digest_position(packet: bytes, scheme: int) -> int:
    """Where in ``packet`` its digest belongs under ``scheme`` (0 or 1)."""
    base = _OFFSET_AT[scheme]
    return base + 4 + sum(packet[base : base + 4]) % 728


def sign_packet(packet: bytes, key: bytes, scheme: int) -> bytes:
    """``packet`` with its digest under ``key`` (``CLIENT_KEY`` or ``SERVER_KEY``) filled in."""
    at = digest_position(packet, scheme)
    return packet[:at] + _digest(packet, at, key) + packet[at + DIGEST_SIZE :]


def find_digest(packet: bytes, key: bytes) -> tuple[int, bytes] | None:
    """The scheme and the digest that ``packet`` carries under ``key``, or None."""
    for scheme in SCHEMES:
        at = digest_position(packet, scheme)
        digest = packet[at : at + DIGEST_SIZE]
        if hmac.compare_digest(digest, _digest(packet, at, key)):
            return scheme, digest
    return None


def sign_answer(filler: bytes, peer_digest: bytes, key: bytes) -> bytes:
    """The S2 or C2 that answers ``peer_digest``: ``filler`` (1504 bytes) and its own digest."""
    return filler + _answer_digest(filler, peer_digest, key)


def is_answer(packet: bytes, own_digest: bytes, key: bytes) -> bool:
    """Whether ``packet`` is what a peer holding ``key`` answers to ``own_digest``."""
    filler = packet[:-DIGEST_SIZE]
    expected = _answer_digest(filler, own_digest, key)
    return hmac.compare_digest(packet[-DIGEST_SIZE:], expected)


def _digest(packet: bytes, at: int, key: bytes) -> bytes:
    return hmac.digest(key, packet[:at] + packet[at + DIGEST_SIZE :], "sha256")


def _answer_digest(filler: bytes, digest: bytes, key: bytes) -> bytes:
    return hmac.digest(hmac.digest(key + _SALT, digest, "sha256"), filler, "sha256")
