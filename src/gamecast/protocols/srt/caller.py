"""Caller: the handshake of the side that dials (draft section 4.3.1)."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.protocols.srt import packet as wire
from gamecast.protocols.srt.connection import Agreement, Connection
from gamecast.protocols.srt.errors import SrtError
from gamecast.protocols.srt.events import Connected, ConnectionClosed, Event
from gamecast.protocols.srt.handshake import (
    MAGIC,
    SAFE_GCM_VERSION,
    Capabilities,
    ExtensionFlag,
    ExtensionType,
    Handshake,
    HandshakeType,
    build_stream_id,
    check_limits,
    parse_capabilities,
    parse_handshake,
)
from gamecast.protocols.srt.keys import KmState, check_passphrase, parse_km_state
from gamecast.protocols.srt.packet import ControlType
from gamecast.protocols.srt.reject import Reject, describe, from_handshake_type
from gamecast.protocols.srt.security import Security
from gamecast.protocols.srt.settings import CryptoMode, Settings

_RETRY = 0.250
_INDUCTION_VERSION = 4
_DATAGRAM = 2
"""Encryption and Extension fields of a caller's induction: UDT_DGRAM of version 4."""
_KM_REJECT = {
    KmState.BAD_SECRET: Reject.BADSECRET,
    KmState.BAD_CRYPTO_MODE: Reject.CRYPTO,
}


class Caller:
    """Dials, and is then a ``connection``: use that for all but ``receive_datagram`` and timers."""

    def __init__(
        self, settings: Settings, *, now: float, random_bytes: Callable[[int], bytes]
    ) -> None:
        if settings.passphrase:
            check_passphrase(settings.passphrase)
        self.connection: Connection | None = None
        self.closed: ConnectionClosed | None = None
        self._settings = settings
        self._random = random_bytes
        self._started = now
        self._deadline = now + settings.connect_timeout
        self._retry_at = now
        self.local_id = int.from_bytes(random_bytes(4), "big") & 0x3FFF_FFFF | 1
        chosen = settings.initial_sequence
        if chosen is None:
            chosen = int.from_bytes(random_bytes(4), "big")
        self._sequence = chosen & wire.SEQUENCE_MASK
        self._security: Security | None = None
        self._out: list[bytes] = []
        self._request = self._induction()
        self._concluding = False
        self.handle_timer(now)

    def receive_datagram(self, data: bytes, now: float) -> list[Event]:
        """One datagram from the peer's address."""
        if self.closed is not None or len(data) < wire.HEADER_SIZE:
            return []
        first, _, timestamp, peer = wire.HEADER.unpack_from(data)
        if peer != self.local_id:
            return []
        if self.connection is not None:
            return self.connection.receive_datagram(data, now)
        if first >> 16 != 0x8000 | ControlType.HANDSHAKE:
            return []
        try:
            return self._receive_handshake(
                parse_handshake(data[wire.HEADER_SIZE :]), timestamp, now
            )
        except SrtError:
            return []  # anybody could have sent it; a real answer may still come

    def handle_timer(self, now: float) -> list[Event]:
        """Call at ``next_timer``, or later."""
        if self.connection is not None:
            return self.connection.handle_timer(now)
        if self.closed is not None:
            return []
        if now >= self._deadline:
            return self._fail(Reject.TIMEOUT)
        if now >= self._retry_at:
            self._retry_at = now + _RETRY
            self._out.append(self._datagram(now))
        return []

    def next_timer(self) -> float | None:
        """When ``handle_timer`` is due."""
        if self.connection is not None:
            return self.connection.next_timer()
        return None if self.closed is not None else min(self._retry_at, self._deadline)

    def data_to_send(self) -> list[bytes]:
        """Datagrams for the peer, in order."""
        out, self._out = self._out, []
        if self.connection is not None:
            out += self.connection.data_to_send()
        return out

    # Inside -------------------------------------------------------------------------------------

    def _induction(self) -> Handshake:
        return Handshake(
            version=_INDUCTION_VERSION,
            extension=_DATAGRAM,
            sequence=self._sequence,
            mtu=self._settings.mtu,
            window=self._settings.window,
            type=HandshakeType.INDUCTION,
            socket_id=self.local_id,
        )

    def _datagram(self, now: float) -> bytes:
        timestamp = int((now - self._started) * 1e6) & 0xFFFF_FFFF
        cif = self._request.build()
        return wire.control(ControlType.HANDSHAKE, timestamp=timestamp, peer=0, cif=cif)

    def _receive_handshake(self, answer: Handshake, timestamp: int, now: float) -> list[Event]:
        reason = from_handshake_type(answer.type)
        if reason is not None and self._concluding:
            return self._fail(reason)
        if answer.type == HandshakeType.INDUCTION and not self._concluding:
            if answer.version < 5 or answer.extension != MAGIC:
                return self._fail(Reject.VERSION)
            self._conclude(answer, now)
            return []
        if answer.type == HandshakeType.CONCLUSION and self._concluding:
            return self._establish(answer, timestamp, now)
        return []

    def _conclude(self, answer: Handshake, now: float) -> None:
        settings = self._settings
        request = self._induction()
        request.version = 5
        request.type = HandshakeType.CONCLUSION
        request.cookie = answer.cookie
        request.extension = ExtensionFlag.HSREQ
        capabilities = Capabilities(
            receive_delay=round(settings.latency * 1000),
            send_delay=round(settings.peer_latency * 1000),
        )
        request.extensions = [(ExtensionType.HSREQ, capabilities.build())]
        if settings.passphrase:
            length = answer.encryption * 8 if answer.encryption in (2, 3, 4) else 0
            length = settings.key_length or length or 16
            self._security = self._new_security()
            request.encryption = length // 8
            request.extension |= ExtensionFlag.KMREQ
            gcm = settings.crypto_mode == CryptoMode.AES_GCM
            message = self._security.begin(length, authenticated=gcm)
            request.extensions.append((ExtensionType.KMREQ, message))
        if settings.stream_id:
            request.extension |= ExtensionFlag.CONFIG
            body = build_stream_id(settings.stream_id)
            request.extensions.append((ExtensionType.STREAM_ID, body))
        self._request = request
        self._concluding = True
        self._retry_at = now
        self.handle_timer(now)

    def _new_security(self) -> Security:
        settings = self._settings
        return Security(
            settings.passphrase,
            random_bytes=self._random,
            refresh=settings.key_refresh,
            announce=settings.key_announce,
        )

    def _establish(self, answer: Handshake, timestamp: int, now: float) -> list[Event]:
        check_limits(answer)
        body = answer.find(ExtensionType.HSRSP)
        if body is None:
            return self._fail(Reject.ROGUE)
        problem = self._check_security(answer)
        if problem is not None:
            return self._fail(problem)
        agreed = parse_capabilities(body)
        settings = self._settings
        secure = self._security
        if secure is not None and secure.authenticated and agreed.version < SAFE_GCM_VERSION:
            return self._fail(Reject.CRYPTO)
        agreement = Agreement(
            local_id=self.local_id,
            peer_id=answer.socket_id,
            sequence=self._sequence,
            peer_sequence=answer.sequence,
            mtu=min(answer.mtu, settings.mtu),
            window=min(answer.window, settings.window),
            latency=max(agreed.send_delay / 1000, settings.latency),
            peer_latency=max(agreed.receive_delay / 1000, settings.peer_latency),
            started=self._started,
            peer_timestamp=timestamp,
        )
        self.connection = Connection(settings, agreement, now=now, security=self._security)
        return [Connected(self.connection.latency, self.connection.peer_latency)]

    def _check_security(self, answer: Handshake) -> Reject | None:
        """Both sides or none: a server may not take our encryption away."""
        body = answer.find(ExtensionType.KMRSP)
        if self._security is None:
            return None if body is None else Reject.UNSECURE
        if body is None:
            return Reject.UNSECURE
        if len(body) == 4:
            return _KM_REJECT.get(parse_km_state(body), Reject.UNSECURE)
        sent = next(b for k, b in self._request.extensions if k == ExtensionType.KMREQ)
        return None if body == sent else Reject.BADSECRET

    def _fail(self, reason: int) -> list[Event]:
        self.closed = ConnectionClosed(describe(reason), reject=reason)
        return [self.closed]
