"""The two SRTP transforms: AES-GCM (RFC 7714) and AES-CM with HMAC-SHA1-80 (RFC 3711).

A transform knows keys and nothing of packets' order: the caller gives the 48-bit packet index
(``roc << 16 | seq``) or the 31-bit SRTCP index. ``open`` and ``open_rtcp`` return ``None`` for a
packet that fails authentication.
"""

from __future__ import annotations

import hmac
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gamecast.protocols.webrtc.aead import Seal, make_seal
from gamecast.protocols.webrtc.srtp_keys import SessionKeys

ENCRYPTED = 0x80000000
"""The E bit in front of the SRTCP index."""
RTCP_HEADER_SIZE = 8


class Transform(Protocol):
    """What the sender and the receiver of this package need."""

    overhead: int

    def sealer(self, ssrc: int) -> Seal:
        """What protects the packets of a source: without the header, which stays in the clear."""

    def open(self, packet: bytes, header_size: int, ssrc: int, index: int) -> bytes | None:
        """The plain payload of a protected packet."""

    def seal_rtcp(self, packet: bytes, index: int) -> bytes:
        """A whole SRTCP packet."""

    def open_rtcp(self, packet: bytes) -> bytes | None:
        """The whole plain RTCP compound of an SRTCP packet (at least 8 + overhead + 4 bytes)."""


def rtcp_index(packet: bytes, tag_behind: int) -> int:
    """The index of an SRTCP packet, which ``tag_behind`` bytes follow."""
    end = len(packet) - tag_behind
    return int.from_bytes(packet[end - 4 : end], "big") & 0x7FFFFFFF


class GcmTransform:
    """AEAD_AES_128_GCM and AEAD_AES_256_GCM."""

    overhead = 16

    def __init__(self, keys: SessionKeys) -> None:
        self._aead = AESGCM(keys.cipher_key)
        self._key = keys.cipher_key
        self._salt = int.from_bytes(keys.salt, "big")

    def nonce(self, ssrc: int, index: int) -> bytes:
        """RFC 7714 section 8.1: 16 zero bits, SSRC, ROC and sequence, exclusive-or the salt."""
        return (self._salt ^ ssrc << 48 ^ index).to_bytes(12, "big")

    def sealer(self, ssrc: int) -> Seal:
        return make_seal(self._key, self.nonce(ssrc, 0))

    def open(self, packet: bytes, header_size: int, ssrc: int, index: int) -> bytes | None:
        nonce = self.nonce(ssrc, index)
        try:
            return self._aead.decrypt(nonce, packet[header_size:], packet[:header_size])
        except InvalidTag:
            return None

    def seal_rtcp(self, packet: bytes, index: int) -> bytes:
        # RFC 7714 section 9: the AAD is the first 8 octets and the E bit with the index.
        header, trailer = packet[:RTCP_HEADER_SIZE], (ENCRYPTED | index).to_bytes(4, "big")
        nonce = self.nonce(int.from_bytes(packet[4:8], "big"), index)
        body = self._aead.encrypt(nonce, packet[RTCP_HEADER_SIZE:], header + trailer)
        return header + body + trailer

    def open_rtcp(self, packet: bytes) -> bytes | None:
        header, trailer = packet[:RTCP_HEADER_SIZE], packet[-4:]
        nonce = self.nonce(int.from_bytes(packet[4:8], "big"), rtcp_index(packet, 0))
        if not trailer[0] & 0x80:
            return None  # Authenticated plain text: DTLS-SRTP peers always encrypt.
        try:
            body = self._aead.decrypt(nonce, packet[RTCP_HEADER_SIZE:-4], header + trailer)
        except InvalidTag:
            return None
        return header + body


class CmTransform:
    """AES128_CM_SHA1_80, for peers without GCM (ffmpeg, older GStreamer)."""

    overhead = 10

    def __init__(self, keys: SessionKeys) -> None:
        self._salt = int.from_bytes(keys.salt, "big") << 16
        self._auth_key = keys.auth_key
        # One context for all packets: a new one each costs five times as much.
        self._cipher: CipherContext = Cipher(
            algorithms.AES(keys.cipher_key), modes.CTR(bytes(16))
        ).encryptor()

    def _crypt(self, data: bytes, ssrc: int, index: int) -> bytes:
        """RFC 3711 section 4.1.1; counter mode is its own inverse."""
        counter = self._salt ^ ssrc << 64 ^ index << 16
        self._cipher.reset_nonce(counter.to_bytes(16, "big"))
        return self._cipher.update(data)

    def _tag(self, data: bytes) -> bytes:
        return hmac.digest(self._auth_key, data, "sha1")[:10]

    def sealer(self, ssrc: int) -> Seal:
        def seal(index: int, payload: bytes, header: bytes) -> bytes:
            body = self._crypt(payload, ssrc, index)
            return body + self._tag(header + body + (index >> 16).to_bytes(4, "big"))

        return seal

    def open(self, packet: bytes, header_size: int, ssrc: int, index: int) -> bytes | None:
        covered, tag = packet[:-10], packet[-10:]
        roc = (index >> 16).to_bytes(4, "big")
        if not hmac.compare_digest(self._tag(covered + roc), tag):
            return None
        return self._crypt(covered[header_size:], ssrc, index)

    def seal_rtcp(self, packet: bytes, index: int) -> bytes:
        header = packet[:RTCP_HEADER_SIZE]
        body = self._crypt(packet[RTCP_HEADER_SIZE:], int.from_bytes(packet[4:8], "big"), index)
        covered = header + body + (ENCRYPTED | index).to_bytes(4, "big")
        return covered + self._tag(covered)

    def open_rtcp(self, packet: bytes) -> bytes | None:
        covered, tag = packet[:-10], packet[-10:]
        if not covered[-4] & 0x80 or not hmac.compare_digest(self._tag(covered), tag):
            return None
        index = rtcp_index(packet, 10)
        ssrc = int.from_bytes(packet[4:8], "big")
        return packet[:RTCP_HEADER_SIZE] + self._crypt(covered[RTCP_HEADER_SIZE:-4], ssrc, index)


def make_transform(keys: SessionKeys) -> GcmTransform | CmTransform:
    """The transform of a profile."""
    return GcmTransform(keys) if keys.profile.is_aead else CmTransform(keys)
