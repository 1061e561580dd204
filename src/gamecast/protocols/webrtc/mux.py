"""One socket for all sessions: what a datagram is (RFC 7983) and whose it is.

A session is found by the local ufrag that a STUN request names, and by nothing else; only after the
session has accepted that request does its source address lead there too. Everything else that comes
from an unknown address is counted and dropped: no state, no reply, no log line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.events import AddressForgotten, AddressValidated, Event
from gamecast.protocols.webrtc.ice import local_ufrag_of


class DatagramKind(Enum):
    """What the first byte says (RFC 7983 section 7, and RFC 5761 section 4 for RTCP)."""

    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"
    UNKNOWN = "unknown"


def is_rtp(data: bytes) -> bool:
    """Whether :func:`classify` says RTP: the question that is asked most."""
    return len(data) > 1 and 128 <= data[0] <= 191 and not 192 <= data[1] <= 223


def classify(data: bytes) -> DatagramKind:
    """The kind of a datagram; an empty one is UNKNOWN, as are ZRTP and TURN channels."""
    if len(data) < 2:
        return DatagramKind.UNKNOWN
    first = data[0]
    if first < 4:
        return DatagramKind.STUN
    if 20 <= first <= 63:
        return DatagramKind.DTLS
    if 128 <= first <= 191:
        return DatagramKind.RTP if is_rtp(data) else DatagramKind.RTCP
    return DatagramKind.UNKNOWN


class Receiver(Protocol):
    """What the router needs of a session."""

    def receive_datagram(self, data: bytes, address: Address, now: float) -> list[Event]:
        """Take a datagram from anywhere and judge it."""

    def receive_rtp(self, datagrams: Sequence[bytes], address: Address, now: float) -> list[Event]:
        """Take what came in a row and looks like RTP, and judge each."""


SessionT = TypeVar("SessionT", bound=Receiver)


class Router(Generic[SessionT]):
    """Sessions by local ufrag and by validated address, for one socket or many."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        """Datagrams that found no session, by kind."""
        self._by_ufrag: dict[str, SessionT] = {}
        self._by_address: dict[Address, SessionT] = {}
        self._addresses: dict[int, set[Address]] = {}
        self._ufrags: dict[int, set[str]] = {}

    def __len__(self) -> int:
        return len(self._ufrags)

    def add(self, ufrag: str, session: SessionT) -> None:
        """Make a session reachable by a local ufrag; again with the new one on an ICE restart."""
        if ufrag in self._by_ufrag:
            raise ValueError("this ufrag is in use")
        self._by_ufrag[ufrag] = session
        self._ufrags.setdefault(id(session), set()).add(ufrag)

    def remove_ufrag(self, ufrag: str) -> None:
        """Forget an old ufrag after an ICE restart."""
        session = self._by_ufrag.pop(ufrag, None)
        if session is not None:
            self._ufrags[id(session)].discard(ufrag)

    def remove(self, session: SessionT) -> list[Address]:
        """Forget a session with all its ufrags and addresses; returns the latter."""
        for ufrag in self._ufrags.pop(id(session), set()):
            del self._by_ufrag[ufrag]
        owned = []
        for address in self._addresses.pop(id(session), set()):
            if self._by_address.get(address) is session:
                del self._by_address[address]
                owned.append(address)
        return owned

    def remove_address(self, address: Address) -> SessionT | None:
        """Forget an address; returns the session that it led to."""
        session = self._by_address.get(address)
        if session is not None:
            self._unbind(session, address)
        return session

    def receive_datagram(
        self, data: bytes, address: Address, now: float
    ) -> tuple[SessionT, list[Event]] | None:
        """Give a datagram to its session; ``None`` if it has none."""
        session = self._find(data, address)
        if session is None:
            self.dropped[classify(data).value] += 1
            return None
        events = session.receive_datagram(data, address, now)
        for event in events:
            if isinstance(event, AddressValidated):
                self._bind(session, event.address)
            elif isinstance(event, AddressForgotten):
                self._unbind(session, event.address)
        return session, events

    def receive_burst(
        self, datagrams: Sequence[bytes], address: Address, now: float
    ) -> list[tuple[SessionT, list[Event]]]:
        """Give what waited from one address to its sessions, media in one go.

        As :meth:`receive_datagram` for each of them, in order.
        """
        found = []
        for is_media, run in groupby(datagrams, is_rtp):
            session = self._by_address.get(address) if is_media else None
            if session is not None:
                found.append((session, session.receive_rtp(list(run), address, now)))
                continue
            for data in run:
                one = self.receive_datagram(data, address, now)
                if one is not None:
                    found.append(one)
        return found

    def _find(self, data: bytes, address: Address) -> SessionT | None:
        if data and data[0] < 4:
            ufrag = local_ufrag_of(data)
            if ufrag is not None:
                return self._by_ufrag.get(ufrag)
        return self._by_address.get(address)

    def _bind(self, session: SessionT, address: Address) -> None:
        # A peer that proved itself later owns the address now (a reloaded page, a reused port).
        self._by_address[address] = session
        self._addresses.setdefault(id(session), set()).add(address)

    def _unbind(self, session: SessionT, address: Address) -> None:
        self._addresses.get(id(session), set()).discard(address)
        if self._by_address.get(address) is session:
            del self._by_address[address]
