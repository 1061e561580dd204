"""Payload ciphers: AES in counter mode (draft section 6.2), and with authentication (libsrt)."""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from gamecast.protocols.srt.packet import SEQUENCE_MASK

TAG_SIZE = 16
"""Bytes by which AES-GCM makes a payload longer."""


class PayloadCipher(Protocol):
    """One stream encrypting key.

    ``header`` is the packet's, 16 bytes, with the bit for retransmissions cleared.
    """

    def encrypt(self, sequence: int, header: bytes, payload: bytes) -> bytes:
        """What goes on the wire."""

    def decrypt(self, sequence: int, header: bytes, payload: bytes) -> bytes | None:
        """What was encrypted; ``None`` if it is forged."""


class CounterCipher:
    """AES-CTR. Nothing protects the payload from changes on its way.

    The initial counter is the salt's first 112 bits, with the packet's sequence number added
    (exclusive or) to bytes 10 to 13, and 16 zero bits. One OpenSSL context is kept and given a new
    counter for each packet: a fifth of the cost of a new one.
    """

    __slots__ = ("_context", "_salt")

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._salt = int.from_bytes(salt[:14] + b"\x00\x00", "big")
        self._context: CipherContext = Cipher(AES(key), CTR(bytes(16))).encryptor()

    def encrypt(self, sequence: int, header: bytes, payload: bytes) -> bytes:
        """Counter mode is its own inverse."""
        counter = self._salt ^ (sequence & SEQUENCE_MASK) << 16
        context = self._context
        context.reset_nonce(counter.to_bytes(16, "big"))
        return context.update(payload)

    decrypt = encrypt


class AuthenticatedCipher:
    """AES-GCM as of libsrt 1.5.4: the header is authenticated too, the tag follows the payload.

    The nonce is the salt's first 96 bits, with the sequence number added (exclusive or) to its
    last 32.
    """

    __slots__ = ("_aead", "_salt")

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._salt = int.from_bytes(salt[:12], "big")
        self._aead = AESGCM(key)

    def encrypt(self, sequence: int, header: bytes, payload: bytes) -> bytes:
        """The payload encrypted, and the tag."""
        return self._aead.encrypt(self._nonce(sequence), payload, header)

    def decrypt(self, sequence: int, header: bytes, payload: bytes) -> bytes | None:
        """The payload, if header and tag are right."""
        try:
            return self._aead.decrypt(self._nonce(sequence), payload, header)
        except InvalidTag:
            return None

    def _nonce(self, sequence: int) -> bytes:
        return (self._salt ^ sequence & SEQUENCE_MASK).to_bytes(12, "big")
