"""ICE-lite agent (RFC 8445 section 2.5): answers checks, never sends any, follows nomination.

Rules, in the order they are applied to a binding request:

1. USERNAME is ours and the peer's, MESSAGE-INTEGRITY holds; else silence (no reply, no state).
2. Unknown comprehension-required attributes: 420. ICE-CONTROLLED from the peer: 487, for a lite
   agent is always the controlled one.
3. The source becomes a *validated* address (at most ``MAX_PATHS``, the quietest is forgotten).
4. USE-CANDIDATE selects it; until something is nominated, the first validated address is used, so
   that DTLS of a peer that nominates late need not wait. The latest nomination wins, which is what
   makes a viewer survive a change of network.
5. A validated address that goes on checking while the selected one has been silent for
   ``SILENT_AFTER`` seconds takes over: a NAT gave the peer a new port and it did not notice.

Consent (RFC 7675) seen from the lite side: a peer from which nothing authenticated has come for
``CONSENT_TIMEOUT`` seconds no longer wants our packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gamecast.protocols.webrtc import stun
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.stun import Attribute, MessageClass, StunMessage

MAX_PATHS = 8
CONSENT_TIMEOUT = 30.0
"""Seconds; RFC 7675 section 5.1."""
SILENT_AFTER = 5.0


@dataclass(slots=True)
class Path:
    """A source address that has passed an integrity check."""

    address: Address
    heard_at: float
    nominated: bool = False


@dataclass(slots=True)
class CheckAnswer:
    """What one binding request leads to."""

    reply: bytes | None = None
    validated: Address | None = None
    """Newly validated address."""
    forgotten: Address | None = None
    """Address that lost its place to the new one."""
    selected: Address | None = None
    """Newly selected address."""


class IceLiteAgent:
    """The ICE half of one session. Time is in seconds of any one clock."""

    def __init__(self, local: IceCredentials, remote_ufrag: str) -> None:
        self.local = local
        self.selected: Address | None = None
        self.remote_ufrag = remote_ufrag
        """The peer's, of the present ICE session."""
        self._paths: dict[Address, Path] = {}
        self._previous: tuple[IceCredentials, str] | None = None
        self.heard_at: float | None = None
        """When something authentic last came from the peer."""

    @property
    def validated(self) -> list[Address]:
        """Addresses that have passed a check, in order of arrival."""
        return list(self._paths)

    def is_trusted(self, address: Address) -> bool:
        """Whether DTLS and SRTP from here may be read: the selected or once nominated pairs."""
        if address == self.selected:
            return True
        path = self._paths.get(address)
        return path is not None and path.nominated

    def restart(self, local: IceCredentials, remote_ufrag: str) -> None:
        """New credentials (RFC 8445 section 9); the selected pair serves until one is nominated.

        The old ones keep answering until the first check with the new ones.
        """
        self._previous = (self.local, self.remote_ufrag)
        self.local, self.remote_ufrag = local, remote_ufrag

    def receive_request(
        self, data: bytes, message: StunMessage, address: Address, now: float
    ) -> CheckAnswer:
        """Judge one binding request. An unauthenticated one gives an empty answer."""
        key = self._authenticate(data, message)
        if key is None:
            return CheckAnswer()
        reply = _refusal(message, key)
        if reply is None:
            reply = _success(message, address, key)
            answer = self._accept(message, address, now)
        else:
            answer = CheckAnswer()
        # Never answer with more than was asked (rule R20): a replayed check is no amplifier.
        answer.reply = reply if len(reply) <= len(data) else None
        return answer

    def heard(self, address: Address, now: float) -> None:
        """Something authenticated other than a check came from ``address`` (SRTP, for example)."""
        self.heard_at = now
        path = self._paths.get(address)
        if path is not None:
            path.heard_at = now

    def forget(self, address: Address) -> Address | None:
        """Nothing can be sent to ``address`` any more (its TCP connection has ended).

        Returns the address that is selected in its place, if it was the selected one and another
        has been validated; without another the peer has to check again.
        """
        if self._paths.pop(address, None) is None or address != self.selected:
            return None
        others = self._paths.values()
        best = max(others, key=lambda path: (path.nominated, path.heard_at), default=None)
        self.selected = None if best is None else best.address
        return self.selected

    def consent_expires_at(self) -> float | None:
        """When consent ends if the peer stays silent; ``None`` before the first check."""
        return None if self.heard_at is None else self.heard_at + CONSENT_TIMEOUT

    def _authenticate(self, data: bytes, message: StunMessage) -> bytes | None:
        for local, remote_ufrag in self._generations():
            if message.username == f"{local.ufrag}:{remote_ufrag}":
                if not stun.integrity_matches(data, message, local.key):
                    return None
                if local is self.local:
                    self._previous = None
                return local.key
        return None

    def _generations(self) -> list[tuple[IceCredentials, str]]:
        current = (self.local, self.remote_ufrag)
        return [current] if self._previous is None else [current, self._previous]

    def _accept(self, message: StunMessage, address: Address, now: float) -> CheckAnswer:
        answer = CheckAnswer()
        path = self._paths.get(address)
        if path is None:
            answer.forgotten = self._make_room()
            path = self._paths[address] = Path(address, now)
            answer.validated = address
        path.heard_at = self.heard_at = now
        path.nominated = path.nominated or message.use_candidate
        if self._should_select(message, address, now):
            self.selected = answer.selected = address
        return answer

    def _make_room(self) -> Address | None:
        if len(self._paths) < MAX_PATHS:
            return None
        others = [path for path in self._paths.values() if path.address != self.selected]
        quietest = min(others, key=lambda path: path.heard_at)
        del self._paths[quietest.address]
        return quietest.address

    def _should_select(self, message: StunMessage, address: Address, now: float) -> bool:
        if address == self.selected:
            return False
        if self.selected is None or message.use_candidate:
            return True
        return now - self._paths[self.selected].heard_at > SILENT_AFTER


def _refusal(message: StunMessage, key: bytes) -> bytes | None:
    unknown = message.unknown_required()
    if unknown:
        listed = b"".join(kind.to_bytes(2, "big") for kind in unknown[:4])
        attributes = [
            (Attribute.ERROR_CODE, stun.build_error_code(420, "")),
            (Attribute.UNKNOWN_ATTRIBUTES, listed),
        ]
        return _error(message, attributes, key)
    if Attribute.ICE_CONTROLLED in message.attributes:
        return _error(message, [(Attribute.ERROR_CODE, stun.build_error_code(487, ""))], key)
    return None


def _error(message: StunMessage, attributes: Sequence[tuple[int, bytes]], key: bytes) -> bytes:
    return stun.build(MessageClass.ERROR, message.transaction_id, attributes, key=key)


def _success(message: StunMessage, address: Address, key: bytes) -> bytes:
    mapped = stun.build_xor_mapped_address(address, message.transaction_id)
    return stun.build(
        MessageClass.SUCCESS,
        message.transaction_id,
        [(Attribute.XOR_MAPPED_ADDRESS, mapped)],
        key=key,
    )


def local_ufrag_of(data: bytes) -> str | None:
    """The ufrag of ours that a STUN request names, read without trusting anything else.

    For the router, which must find the session before anybody can check integrity. ``None`` if
    this is no well-formed binding request.
    """
    try:
        message = stun.parse(data)
    except WebRtcError:
        return None
    if message.message_class is not MessageClass.REQUEST or message.method != stun.BINDING:
        return None
    ours, colon, _ = message.username.partition(":")
    return ours if colon else None
