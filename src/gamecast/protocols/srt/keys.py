"""Key material: derivation, wrapping, the KM message (draft sections 3.2.2 and 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from gamecast.protocols.srt.errors import SrtError

MIN_PASSPHRASE, MAX_PASSPHRASE = 10, 79
KEY_LENGTHS = (16, 24, 32)
SALT_LENGTH = 16
EVEN, ODD, BOTH = 1, 2, 3
"""KK: which stream encrypting keys a message holds."""
_ITERATIONS = 2048
_HEAD = b"\x12\x20\x29"
"""S = 0, V = 1, PT = 2, and the signature "HAI"."""
_CIPHERS = {False: (2, 0), True: (4, 1)}
"""Cipher and Auth: AES-CTR, or AES-GCM as libsrt 1.5 has it (``hcrypt_msg.h``)."""
_SRT_STREAM = 2


class KmState:
    """What a KMRSP of one word says (section 3.2.1.2)."""

    UNSECURED = 0
    SECURING = 1
    SECURED = 2
    NO_SECRET = 3
    BAD_SECRET = 4
    BAD_CRYPTO_MODE = 5


class BadSecret(SrtError):
    """The key material does not open with our passphrase."""


@dataclass(slots=True)
class KeyMaterial:
    """The stream encrypting keys of a message, in the clear; never shown."""

    salt: bytes = field(repr=False)
    even: bytes | None = field(default=None, repr=False)
    odd: bytes | None = field(default=None, repr=False)
    authenticated: bool = False
    """AES-GCM, not AES-CTR."""

    @property
    def key_length(self) -> int:
        """16, 24 or 32 bytes."""
        return len(self.even or self.odd or b"")

    @property
    def flags(self) -> int:
        """KK of the message."""
        return (EVEN if self.even else 0) | (ODD if self.odd else 0)


def check_passphrase(passphrase: str) -> None:
    """``ValueError`` unless it has 10 to 79 bytes (section 6.1.4, SRTO_PASSPHRASE)."""
    if not MIN_PASSPHRASE <= len(passphrase.encode()) <= MAX_PASSPHRASE:
        raise ValueError(f"a passphrase has {MIN_PASSPHRASE} to {MAX_PASSPHRASE} bytes")


def derive_kek(passphrase: str, salt: bytes, length: int) -> bytes:
    """The key encrypting key (section 6.1.4)."""
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), salt[-8:], _ITERATIONS, length)


def new_material(
    length: int, random_bytes: Callable[[int], bytes], *, authenticated: bool = False
) -> KeyMaterial:
    """Fresh salt and even key."""
    salt = random_bytes(SALT_LENGTH)
    return KeyMaterial(salt, even=random_bytes(length), authenticated=authenticated)


def build_km(material: KeyMaterial, kek: bytes) -> bytes:
    """The KM message of these keys, wrapped (section 3.2.2)."""
    wrapped = aes_key_wrap(kek, (material.even or b"") + (material.odd or b""))
    cipher = _CIPHERS[material.authenticated]
    head = _HEAD + bytes((material.flags, 0, 0, 0, 0, *cipher, _SRT_STREAM, 0, 0, 0))
    sizes = bytes((SALT_LENGTH // 4, material.key_length // 4))
    return head + sizes + material.salt + wrapped


@dataclass(slots=True)
class KmMessage:
    """A parsed KM message, still wrapped."""

    flags: int
    key_length: int
    salt: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)
    authenticated: bool = False

    def unwrap(self, kek: bytes) -> KeyMaterial:
        """The keys; ``BadSecret`` when the integrity check fails."""
        try:
            keys = aes_key_unwrap(kek, self.wrapped)
        except InvalidUnwrap:
            raise BadSecret("wrong passphrase") from None
        size = self.key_length if self.flags == BOTH else 0
        even = keys[:size] if size else keys if self.flags == EVEN else None
        odd = keys[size:] if self.flags & ODD else None
        return KeyMaterial(self.salt, even, odd, self.authenticated)


def parse_km(data: bytes) -> KmMessage:
    """Parse a KM message; ``SrtError`` unless every length is exact (CVE-2026-55869)."""
    if len(data) < 16 or data[:3] != _HEAD:
        raise SrtError("not a key material message")
    flags, salt_length, key_length = data[3], data[14] * 4, data[15] * 4
    if data[3] & 0xFC or not flags or any(data[4:8]):
        raise SrtError("key material with reserved bits or without keys")
    if (data[8], data[9]) not in _CIPHERS.values() or data[10] != _SRT_STREAM:
        raise SrtError("key material for another cipher than AES-CTR and AES-GCM")
    if salt_length != SALT_LENGTH or key_length not in KEY_LENGTHS:
        raise SrtError("key material with impossible lengths")
    count = 2 if flags == BOTH else 1
    if len(data) != 16 + SALT_LENGTH + 8 + count * key_length:
        raise SrtError("key material of the wrong length")
    authenticated = (data[8], data[9]) == _CIPHERS[True]
    return KmMessage(flags, key_length, data[16:32], data[32:], authenticated)


def build_km_state(state: int) -> bytes:
    """A KMRSP that only says a state, in the order in which libsrt on common machines has it."""
    return state.to_bytes(4, "little")


def parse_km_state(body: bytes) -> int:
    """The state in a KMRSP of one word, in either byte order."""
    return min(int.from_bytes(body, "little"), int.from_bytes(body, "big"))
