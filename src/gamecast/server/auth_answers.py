"""Answers of the authenticator: grants, and refusals with a reason for each protocol to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why not. An unknown channel is ``DENIED`` like a wrong key."""

    MISSING = "missing"
    """Nothing to check was given (HTTP 401)."""
    DENIED = "denied"
    """A wrong key or token, or one for another channel (HTTP 403)."""
    INVALID_NAME = "invalid_name"
    """Open publishing under a name that no channel may have (HTTP 400)."""
    THROTTLED = "throttled"
    """Too many failures lately; not checked (HTTP 429)."""
    UNAVAILABLE = "unavailable"
    """The database does not answer (HTTP 503)."""


@dataclass(slots=True, frozen=True)
class Refusal:
    """A no, and why."""

    reason: Reason


@dataclass(slots=True, frozen=True, kw_only=True)
class Grant:
    """Leave to publish."""

    channel: str
    """The name to publish under, as the channel has it."""
    title: str
    key_id: int | None
    """``None`` when publishing is open and no key was given."""
    credential: str
    """Equal for two sessions with the same key: then one may take over from the other. Holds no
    secret. Without keys, the address stands for the publisher."""


@dataclass(slots=True, frozen=True, kw_only=True)
class PlayGrant:
    """Leave to watch."""

    channel: str


@dataclass(slots=True, frozen=True, kw_only=True)
class AdminGrant:
    """Leave to use the whole API."""

    label: str
