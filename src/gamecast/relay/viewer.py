"""Viewer: one reader of a rendition, with its own socket and its own "is it full?"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Sink(Protocol):
    """Where a viewer's bytes go: a driver that owns a socket.

    ``write`` never blocks and never fails: a broken socket reports itself by closing. Fullness is
    told by the driver through :meth:`Viewer.set_full`, from the transport's own water marks.
    """

    @property
    def write(self) -> Callable[[bytes], None]:
        """The function that takes bytes; fetched once, called for every flush."""

    def write_burst(self, pieces: list[bytes]) -> None:
        """What a viewer begins with, in pieces that are shared with others."""

    def backlog(self) -> int:
        """Bytes accepted and not yet handed to the kernel."""

    def finish(self, reason: str) -> None:
        """End in the protocol's own way, after what is buffered has been sent."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Limits:
    """What one viewer may hold in this process's memory."""

    hard_bytes: int = 32 * 1024 * 1024
    """A viewer with more than this buffered is closed: it cannot even take one group."""
    stalled_seconds: float = 15.0
    """A full viewer that takes nothing for so long is closed."""
    slow_seconds: float = 60.0
    """A viewer that stays full for so long is closed, though it reads: its line is far too slow."""


@dataclass(slots=True, kw_only=True, eq=False)
class Viewer:
    """One reader. Loses whole groups when it is full, never a part of one (rule of the contract).

    Made by a server session, given to ``Rendition.join`` and taken back by ``Rendition.leave``.
    """

    protocol: str
    """The word that the API and metrics count it under: ``flv``, ``fmp4``, ``rtmp`` …"""
    sink: Sink
    address: str = ""
    since: float = 0.0
    """Unix seconds."""
    full: bool = False
    dropping: bool = False
    """It is skipping a group and waits for the next one."""
    full_since: float = 0.0
    drained_at: float = 0.0
    """When it was last seen to have taken something since it is full."""
    last_backlog: int = 0
    dropped_groups: int = 0
    dropped_bytes: int = 0
    header_version: int = 0
    base_bytes: int = 0
    """Lane counter when it joined; what it was sent is the difference, less what it dropped."""
    on_full: Callable[[], None] = field(default=lambda: None, repr=False)
    """Set by the lane that holds the viewer."""

    def set_full(self, full: bool, now: float) -> None:
        """The driver's transport passed its high (``True``) or low (``False``) water mark."""
        self.full = full
        self.full_since = self.drained_at = now if full else 0.0
        self.last_backlog = 0
        self.on_full()
