"""Why a handshake was refused: the codes on the wire (draft section 4.3, libsrt access control)."""

from __future__ import annotations

from enum import IntEnum

_BASE = 1000
"""Handshake Type of a refusal is this and the reason."""


class Reject(IntEnum):
    """Reasons, as libsrt's ``SRT_REJ_*`` and ``SRT_REJX_*`` number them."""

    UNKNOWN = 0
    SYSTEM = 1
    PEER = 2
    RESOURCE = 3
    ROGUE = 4
    BACKLOG = 5
    IPE = 6
    CLOSE = 7
    VERSION = 8
    RDVCOOKIE = 9
    BADSECRET = 10
    UNSECURE = 11
    MESSAGEAPI = 12
    CONGESTION = 13
    FILTER = 14
    GROUP = 15
    TIMEOUT = 16
    CRYPTO = 17
    BAD_REQUEST = 1400
    UNAUTHORIZED = 1401
    OVERLOAD = 1402
    FORBIDDEN = 1403
    NOT_FOUND = 1404
    BAD_MODE = 1405
    UNACCEPTABLE = 1406
    CONFLICT = 1409
    LOCKED = 1423
    INTERNAL = 1500


_TEXT = {
    Reject.SYSTEM: "the server's system failed",
    Reject.PEER: "the server refused",
    Reject.RESOURCE: "the server is out of resources",
    Reject.ROGUE: "the server found the handshake malformed",
    Reject.BACKLOG: "the server has too many callers waiting",
    Reject.CLOSE: "the server is closing",
    Reject.VERSION: "the server wants another SRT version",
    Reject.BADSECRET: "wrong passphrase",
    Reject.UNSECURE: "one side has a passphrase and the other has none",
    Reject.MESSAGEAPI: "the server is in another transmission mode",
    Reject.TIMEOUT: "no answer in time",
    Reject.CRYPTO: "the server wants another cipher",
    Reject.BAD_REQUEST: "the stream id is not understood",
    Reject.UNAUTHORIZED: "no or a wrong key",
    Reject.OVERLOAD: "the server is overloaded",
    Reject.FORBIDDEN: "not allowed",
    Reject.NOT_FOUND: "no such stream on air",
    Reject.BAD_MODE: "the mode in the stream id is not supported",
    Reject.CONFLICT: "another publisher is on air",
    Reject.INTERNAL: "the server cannot answer now",
}


def to_handshake_type(reason: int) -> int:
    """The Handshake Type that tells a peer this reason."""
    return _BASE + reason


def from_handshake_type(kind: int) -> int | None:
    """The reason in a Handshake Type; ``None`` when it is no refusal."""
    return kind - _BASE if _BASE <= kind < 0x8000_0000 else None


def describe(reason: int) -> str:
    """A reason in words, with its number."""
    try:
        known = Reject(reason)
    except ValueError:
        return f"refused with code {reason}"
    return f"{_TEXT.get(known, known.name.lower())} (code {reason})"
