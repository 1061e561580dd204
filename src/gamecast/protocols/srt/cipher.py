"""PayloadCipher: AES in counter mode over payloads (draft section 6.2)."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from gamecast.protocols.srt.packet import SEQUENCE_MASK


class PayloadCipher:
    """One stream encrypting key. In counter mode encrypting and decrypting are the same.

    The initial counter is the salt's first 112 bits, with the packet's sequence number added
    (exclusive or) to bytes 10 to 13, and 16 zero bits. One OpenSSL context is kept and given a new
    counter for each packet: a fifth of the cost of a new one.
    """

    __slots__ = ("_context", "_salt")

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._salt = int.from_bytes(salt[:14] + b"\x00\x00", "big")
        self._context: CipherContext = Cipher(AES(key), CTR(bytes(16))).encryptor()

    def apply(self, sequence: int, payload: bytes) -> bytes:
        """Encrypt or decrypt the payload of a packet."""
        counter = self._salt ^ (sequence & SEQUENCE_MASK) << 16
        context = self._context
        context.reset_nonce(counter.to_bytes(16, "big"))
        return context.update(payload)
