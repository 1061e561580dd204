"""Full ICE agent, controlling, towards a lite peer: for pushing by WHIP and watching by WHEP.

Only what such a client needs: one local socket (its base), the candidates of the answer, regular
nomination (RFC 8445 section 8.1.1), consent checks (RFC 7675), and replies to the peer's own checks
in case it is not lite after all. TCP connections join when they are open. No STUN server, no relay,
no trickle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gamecast.protocols.webrtc import stun
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.credentials import IceCredentials, RandomBytes
from gamecast.protocols.webrtc.ice import CONSENT_TIMEOUT, CheckAnswer
from gamecast.protocols.webrtc.stun import Attribute, MessageClass, StunMessage

MAX_CANDIDATES = 16
PACE = 0.05
"""Ta of RFC 8445 section 14.2, seconds."""
RETRANSMIT = 0.25
GIVE_UP_AFTER = 15.0
CONSENT_INTERVAL = 4.0
"""RFC 7675 asks for 5 s times 0.8 to 1.2; 4 s is its shortest."""
_PRIORITY = 110 << 24 | 65535 << 8 | 255
"""Of the peer-reflexive candidate a check may reveal (RFC 8445 section 5.1.2.1)."""


@dataclass(slots=True)
class _Check:
    address: Address
    send_at: float
    succeeded: bool = False
    nominated: bool = False


class IceClientAgent:
    """Checks the remote candidates in order of priority and nominates the first that answers.

    ``allowed`` says which addresses may be sent to at all; a hostile answer could name any.
    """

    def __init__(
        self,
        local: IceCredentials,
        remote: IceCredentials,
        *,
        random: RandomBytes,
        allowed: Callable[[Address], bool],
    ) -> None:
        self.local = local
        self.selected: Address | None = None
        self.failed = False
        self._remote = remote
        self._random = random
        self._allowed = allowed
        self._tie_breaker = random(8)
        self._checks: dict[Address, _Check] = {}
        self._transactions: dict[bytes, tuple[_Check, bool]] = {}
        self._started_at = 0.0
        self.heard_at: float | None = None
        self._next_consent = 0.0

    @property
    def remote_ufrag(self) -> str:
        """The peer's."""
        return self._remote.ufrag

    def start(self, candidates: list[Candidate], now: float) -> None:
        """Begin checking, best priority first; names that are no IP, and TCP, are left out."""
        usable = [c for c in candidates if c.is_udp and c.ip is not None]
        usable.sort(key=lambda candidate: -candidate.priority)
        self._started_at = now
        for candidate in usable:
            address = (str(candidate.ip), candidate.port)
            if len(self._checks) < MAX_CANDIDATES and self._allowed(address):
                at = now + PACE * len(self._checks)
                self._checks.setdefault(address, _Check(address, at))

    def add(self, address: Address, now: float) -> None:
        """Check one more address: a TCP connection to the peer is open now (RFC 6544 section 7)."""
        if len(self._checks) < MAX_CANDIDATES and self._allowed(address):
            self._checks.setdefault(address, _Check(address, now))

    def is_trusted(self, address: Address) -> bool:
        """Whether DTLS and SRTP from here may be read: the selected pair only."""
        return address == self.selected

    def heard(self, address: Address, now: float) -> None:
        """SRTP that authenticated is not consent for us, who have checks of our own."""

    def consent_expires_at(self) -> float | None:
        """When the last answered check is too old; ``None`` before a pair is selected."""
        return None if self.heard_at is None else self.heard_at + CONSENT_TIMEOUT

    def receive_request(
        self, data: bytes, message: StunMessage, address: Address, now: float
    ) -> CheckAnswer:
        """Answer a peer that checks us (a full agent); it never moves the selected pair."""
        expected = f"{self.local.ufrag}:{self._remote.ufrag}"
        known = address in self._checks
        if message.username != expected or not known:
            return CheckAnswer()
        if not stun.integrity_matches(data, message, self.local.key):
            return CheckAnswer()
        mapped = stun.build_xor_mapped_address(address, message.transaction_id)
        attributes = [(int(Attribute.XOR_MAPPED_ADDRESS), mapped)]
        reply = stun.build(
            MessageClass.SUCCESS, message.transaction_id, attributes, key=self.local.key
        )
        return CheckAnswer(reply=reply if len(reply) <= len(data) else None)

    def receive_response(
        self, data: bytes, message: StunMessage, address: Address, now: float
    ) -> Address | None:
        """Take the answer to a check. Returns the address if it has just been selected."""
        found = self._transactions.get(message.transaction_id)
        if found is None or found[0].address != address:
            return None
        if not stun.integrity_matches(data, message, self._remote.key):
            return None
        del self._transactions[message.transaction_id]
        check, nominating = found
        if message.message_class is MessageClass.ERROR:
            return None
        return self._succeeded(check, nominating=nominating, now=now)

    def _succeeded(self, check: _Check, *, nominating: bool, now: float) -> Address | None:
        check.succeeded = True
        if self.selected == check.address:
            self.heard_at = now
            return None
        if not nominating and not any(other.nominated for other in self._checks.values()):
            check.nominated = True
            check.send_at = now
        if nominating and self.selected is None:
            self.selected = check.address
            self.heard_at = now
            self._next_consent = now + CONSENT_INTERVAL
            return check.address
        return None

    def checks_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Checks that are due."""
        if self.selected is not None:
            return self._consent_checks(now)
        if now - self._started_at > GIVE_UP_AFTER:
            self.failed = True
            return []
        due = [check for check in self._checks.values() if self._is_due(check, now)]
        for check in due:
            check.send_at = now + RETRANSMIT
        return [self._request(check, nominate=check.nominated) for check in due]

    def _is_due(self, check: _Check, now: float) -> bool:
        return check.send_at <= now and (check.nominated or not check.succeeded)

    def _consent_checks(self, now: float) -> list[tuple[bytes, Address]]:
        if now < self._next_consent or self.selected is None:
            return []
        self._next_consent = now + CONSENT_INTERVAL
        return [self._request(self._checks[self.selected], nominate=True)]

    def next_timer(self) -> float | None:
        """When :meth:`checks_to_send` has something to do."""
        if self.selected is not None:
            return self._next_consent
        if self.failed:
            return None
        pending = [c.send_at for c in self._checks.values() if c.nominated or not c.succeeded]
        return min([*pending, self._started_at + GIVE_UP_AFTER + 0.001])

    def _request(self, check: _Check, *, nominate: bool) -> tuple[bytes, Address]:
        transaction_id = self._random(12)
        while len(self._transactions) >= 64:
            del self._transactions[next(iter(self._transactions))]
        self._transactions[transaction_id] = (check, nominate)
        username = f"{self._remote.ufrag}:{self.local.ufrag}".encode()
        attributes: list[tuple[int, bytes]] = [
            (Attribute.USERNAME, username),
            (Attribute.PRIORITY, _PRIORITY.to_bytes(4, "big")),
            (Attribute.ICE_CONTROLLING, self._tie_breaker),
        ]
        if nominate:
            attributes.append((Attribute.USE_CANDIDATE, b""))
        data = stun.build(MessageClass.REQUEST, transaction_id, attributes, key=self._remote.key)
        return data, check.address
