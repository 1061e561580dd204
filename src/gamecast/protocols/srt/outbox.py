"""Outbox: control packets of one connection on their way out."""

from __future__ import annotations

from gamecast.protocols.srt import packet as wire
from gamecast.protocols.srt.packet import ControlType


class Outbox:
    """Stamps control packets and keeps them until they are taken."""

    __slots__ = ("_out", "_started", "peer")

    def __init__(self, *, peer: int, started: float) -> None:
        """``peer``: its socket id; ``started``: when our time stamps began."""
        self.peer = peer
        self._started = started
        self._out: list[bytes] = []

    def timestamp(self, now: float) -> int:
        """Microseconds since our start, 32 bits of them (section 3)."""
        return int((now - self._started) * 1e6) & 0xFFFF_FFFF

    def put(
        self,
        kind: ControlType,
        now: float,
        *,
        info: int = 0,
        cif: bytes = bytes(4),
        subtype: int = 0,
    ) -> None:
        """Build a control packet (``packet.control``) and keep it."""
        self._out.append(
            wire.control(
                kind,
                info=info,
                timestamp=self.timestamp(now),
                peer=self.peer,
                cif=cif,
                subtype=subtype,
            )
        )

    def repeat(self, datagram: bytes) -> None:
        """Send a finished datagram again."""
        self._out.append(datagram)

    def take(self) -> list[bytes]:
        """Datagrams, in order; they are ours no longer."""
        out, self._out = self._out, []
        return out
