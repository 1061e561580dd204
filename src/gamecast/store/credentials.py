"""Stream keys, tokens and passwords: how they are made, and what of them is stored.

Keys and tokens carry 160 random bits, so one SHA-256 of them is enough to store: there is nothing
to guess that a slow hash would protect, and a publisher is not kept waiting. Passwords, which
people may choose, are stored as argon2id (RFC 9106).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

KEY_PREFIX = "gc_"
"""A prefix lets secret scanners, and people, see what a leaked string is."""
TOKEN_PREFIX = "gct_"
MAX_SECRET_LENGTH = 256
"""Longer input from a peer is no key, token or password of ours; it is not even hashed."""

_RANDOM_BYTES = 20
_HINT_RANDOM = 4

RandomBytes = Callable[[int], bytes]


def make_key(random: RandomBytes = secrets.token_bytes) -> str:
    """A new stream key: letters and digits only, so that no URL, shell or OBS field changes it."""
    return KEY_PREFIX + _letters(random)


def make_token(random: RandomBytes = secrets.token_bytes) -> str:
    """A new API or play token."""
    return TOKEN_PREFIX + _letters(random)


def make_password(random: RandomBytes = secrets.token_bytes) -> str:
    """A new password of 80 random bits, in groups that can be read aloud and typed."""
    text = base64.b32encode(random(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def looks_like_key(text: str) -> bool:
    """Whether this has the form of a stream key: such text is never shown nor used as a name."""
    return text.startswith(KEY_PREFIX) and len(text) == len(KEY_PREFIX) + _RANDOM_BYTES * 8 // 5


def _letters(random: RandomBytes) -> str:
    return base64.b32encode(random(_RANDOM_BYTES)).decode().lower()


def digest(secret: str) -> bytes:
    """The 32 bytes under which a key or token is stored and found.

    Always one hash over a bounded input, whatever a peer sent.
    """
    return hashlib.sha256(secret[: MAX_SECRET_LENGTH + 1].encode("utf-8", "replace")).digest()


def hint(secret: str) -> str:
    """The beginning of a key or token: enough to tell two apart in a list, useless to guess from.

    Shows 20 of 160 random bits.
    """
    prefix_length = secret.find("_") + 1
    return secret[: prefix_length + _HINT_RANDOM]


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    return _hasher().hash(make_password())


def hash_password(password: str) -> str:
    """argon2id with a random salt, in the PHC string form. Takes tens of milliseconds."""
    return _hasher().hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Without a stored one, works as long for nothing."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        matches = _hasher().verify(stored or _nobodys_hash(), password[: MAX_SECRET_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None and len(password) <= MAX_SECRET_LENGTH
