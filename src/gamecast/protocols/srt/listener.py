"""Listener: the handshake of the side that is dialled, for all its connections (section 4.3.1).

Nothing is kept of a caller before its cookie comes back, and nothing larger than its request is
sent to it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from gamecast.protocols.srt import packet as wire
from gamecast.protocols.srt.connection import Agreement, Connection
from gamecast.protocols.srt.errors import SrtError
from gamecast.protocols.srt.events import Address, ConnectionRequested
from gamecast.protocols.srt.handshake import (
    MAGIC,
    SAFE_GCM_VERSION,
    SIZE,
    VERSION,
    Capabilities,
    ExtensionFlag,
    ExtensionType,
    Handshake,
    HandshakeType,
    SrtFlag,
    check_limits,
    parse_capabilities,
    parse_handshake,
    parse_stream_id,
)
from gamecast.protocols.srt.keys import BadSecret
from gamecast.protocols.srt.packet import ControlType
from gamecast.protocols.srt.reject import Reject, to_handshake_type
from gamecast.protocols.srt.security import Security
from gamecast.protocols.srt.settings import CryptoMode, Settings

_COOKIE_SECONDS = 60
_PENDING_SECONDS = 5.0
_MAX_PENDING = 256
_MAX_PER_ADDRESS = 32


class Listener:
    """Answers handshakes on one socket. Give it what is for socket id 0."""

    def __init__(
        self, settings: Settings, *, now: float, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._settings = settings
        self._random = random_bytes
        self._secret = random_bytes(32)
        self._started = now
        self._pending: dict[tuple[Address, int], ConnectionRequested] = {}
        self._accepted: dict[tuple[Address, int], Connection] = {}
        self._out: list[tuple[bytes, Address]] = []
        self._next_id = int.from_bytes(random_bytes(4), "big") & 0x3FFF_FFFF
        self.refused = 0
        """Handshakes dropped or refused so far."""

    # Input --------------------------------------------------------------------------------------

    def receive_datagram(
        self, data: bytes, address: Address, now: float
    ) -> ConnectionRequested | None:
        """One datagram for socket id 0. A request that is new is returned, to be answered."""
        if len(data) < wire.HEADER_SIZE + SIZE:
            return None
        first, _, timestamp, _ = wire.HEADER.unpack_from(data)
        if first >> 16 != 0x8000 | ControlType.HANDSHAKE:
            return None
        try:
            handshake = parse_handshake(data[wire.HEADER_SIZE :])
            check_limits(handshake)
        except SrtError:
            self.refused += 1
            return None
        if handshake.type == HandshakeType.INDUCTION:
            self._answer_induction(handshake, address, now)
            return None
        if handshake.type != HandshakeType.CONCLUSION or not self._proven(handshake, address, now):
            self.refused += 1
            return None
        return self._receive_conclusion(handshake, timestamp, address, now)

    def data_to_send(self) -> list[tuple[bytes, Address]]:
        """Datagrams and where they go."""
        out, self._out = self._out, []
        return out

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        for key, known in list(self._accepted.items()):
            if known is connection:
                del self._accepted[key]

    # Answers ------------------------------------------------------------------------------------

    def accept(
        self, request: ConnectionRequested, *, passphrase: str, now: float
    ) -> Connection | None:
        """Let a caller in; ``None`` when its encryption does not fit (it is then refused)."""
        if not self._take(request):
            return None
        handshake = request.handshake
        security: Security | None = None
        asked = parse_capabilities(handshake.find(ExtensionType.HSREQ) or b"")
        message = handshake.find(ExtensionType.KMREQ)
        if bool(passphrase) != (message is not None):
            self._refuse(request, Reject.UNSECURE, now)
            return None
        if message is not None:
            security = self._open(request, asked, passphrase, message, now)
            if security is None:
                return None
        connection = self._connection(request, asked, security)
        connection.handshake_response = self._response(request, connection, message, now)
        self._accepted[request.address, handshake.socket_id] = connection
        self._out.append((connection.handshake_response, request.address))
        return connection

    def reject(self, request: ConnectionRequested, reason: int, now: float) -> None:
        """Refuse a caller with a code that it can show."""
        if self._take(request):
            self._refuse(request, reason, now)

    # Inside -------------------------------------------------------------------------------------

    def _answer_induction(self, handshake: Handshake, address: Address, now: float) -> None:
        answer = Handshake(
            extension=MAGIC,
            encryption=0,
            sequence=handshake.sequence,
            mtu=self._settings.mtu,
            window=self._settings.window,
            type=HandshakeType.INDUCTION,
            socket_id=handshake.socket_id,
            cookie=self._cookie(address, int(now // _COOKIE_SECONDS)),
            address=handshake.address,
        )
        self._send(answer, handshake.socket_id, address, now)

    def _cookie(self, address: Address, minute: int) -> int:
        text = f"{address[0]}|{address[1]}|{minute}".encode()
        return int.from_bytes(hmac.digest(self._secret, text, hashlib.sha256)[:4], "big")

    def _proven(self, handshake: Handshake, address: Address, now: float) -> bool:
        minute = int(now // _COOKIE_SECONDS)
        cookie = handshake.cookie.to_bytes(4, "big")
        return any(
            hmac.compare_digest(cookie, self._cookie(address, minute - age).to_bytes(4, "big"))
            for age in (0, 1)
        )

    def _receive_conclusion(
        self, handshake: Handshake, timestamp: int, address: Address, now: float
    ) -> ConnectionRequested | None:
        key = (address, handshake.socket_id)
        known = self._accepted.get(key)
        if known is not None:
            if known.handshake_response is not None:
                self._out.append((known.handshake_response, address))
            return None
        if key in self._pending:
            return None
        request = ConnectionRequested(address, "", False, handshake, now, timestamp)
        try:
            self._examine(request)
        except _Refused as refused:
            self._refuse(request, refused.reason, now)
            return None
        except SrtError:
            self._refuse(request, Reject.ROGUE, now)
            return None
        self._expire(now)
        same = sum(1 for known_address, _ in self._pending if known_address[0] == address[0])
        if len(self._pending) >= _MAX_PENDING or same >= _MAX_PER_ADDRESS:
            self._refuse(request, Reject.BACKLOG, now)
            return None
        self._pending[key] = request
        return request

    @staticmethod
    def _examine(request: ConnectionRequested) -> None:
        handshake = request.handshake
        body = handshake.find(ExtensionType.HSREQ)
        if handshake.version != VERSION or body is None:
            raise _Refused(Reject.VERSION)  # version 4 has neither stream ids nor safe key exchange
        asked = parse_capabilities(body)
        if asked.flags & SrtFlag.STREAM:
            raise _Refused(Reject.MESSAGEAPI)
        if handshake.find(ExtensionType.FILTER) is not None:
            raise _Refused(Reject.FILTER)
        if handshake.find(ExtensionType.GROUP) is not None:
            raise _Refused(Reject.GROUP)
        stream_id = handshake.find(ExtensionType.STREAM_ID)
        request.stream_id = parse_stream_id(stream_id) if stream_id is not None else ""
        request.encrypted = handshake.find(ExtensionType.KMREQ) is not None

    def _expire(self, now: float) -> None:
        for key, request in list(self._pending.items()):
            if now - request.received_at > _PENDING_SECONDS:
                del self._pending[key]

    def _take(self, request: ConnectionRequested) -> bool:
        key = (request.address, request.handshake.socket_id)
        if self._pending.get(key) is not request:
            return False
        del self._pending[key]
        return True

    def _open(
        self,
        request: ConnectionRequested,
        asked: Capabilities,
        passphrase: str,
        message: bytes,
        now: float,
    ) -> Security | None:
        settings = self._settings
        security = Security(
            passphrase,
            random_bytes=self._random,
            refresh=settings.key_refresh,
            announce=settings.key_announce,
        )
        try:
            security.open(message)
        except BadSecret:
            self._refuse(request, Reject.BADSECRET, now)
        except SrtError:
            self._refuse(request, Reject.CRYPTO, now)
        else:
            if self._suits(security, asked):
                return security
            self._refuse(request, Reject.CRYPTO, now)
        return None

    def _suits(self, security: Security, asked: Capabilities) -> bool:
        """Whether the caller's cipher is one that we take."""
        if security.authenticated:
            allowed = self._settings.crypto_mode != CryptoMode.AES_CTR
            return allowed and asked.version >= SAFE_GCM_VERSION
        return self._settings.crypto_mode != CryptoMode.AES_GCM

    def _connection(
        self,
        request: ConnectionRequested,
        asked: Capabilities,
        security: Security | None,
    ) -> Connection:
        settings, handshake = self._settings, request.handshake
        self._next_id = self._next_id - 1 & 0x3FFF_FFFF or 0x3FFF_FFFF
        agreement = Agreement(
            local_id=self._next_id,
            peer_id=handshake.socket_id,
            sequence=handshake.sequence,
            peer_sequence=handshake.sequence,
            mtu=min(handshake.mtu, settings.mtu),
            window=min(handshake.window, settings.window),
            latency=max(settings.latency, asked.send_delay / 1000),
            peer_latency=max(settings.peer_latency, asked.receive_delay / 1000),
            started=self._started,
            peer_timestamp=request.timestamp,
        )
        return Connection(settings, agreement, now=request.received_at, security=security)

    def _response(
        self,
        request: ConnectionRequested,
        connection: Connection,
        message: bytes | None,
        now: float,
    ) -> bytes:
        agreed = Capabilities(
            receive_delay=round(connection.latency * 1000),
            send_delay=round(connection.peer_latency * 1000),
        )
        answer = Handshake(
            extension=ExtensionFlag.HSREQ,
            sequence=request.handshake.sequence,
            mtu=min(self._settings.mtu, request.handshake.mtu),
            window=self._settings.window,
            socket_id=connection.local_id,
            address=request.handshake.address,
            extensions=[(ExtensionType.HSRSP, agreed.build())],
        )
        if message is not None:
            answer.extension |= ExtensionFlag.KMREQ
            answer.extensions.append((ExtensionType.KMRSP, message))
        return self._datagram(answer, request.handshake.socket_id, now)

    def _refuse(self, request: ConnectionRequested, reason: int, now: float) -> None:
        self.refused += 1
        answer = Handshake(
            sequence=request.handshake.sequence,
            type=to_handshake_type(reason),
            socket_id=request.handshake.socket_id,
            address=request.handshake.address,
        )
        self._send(answer, request.handshake.socket_id, request.address, now)

    def _send(self, answer: Handshake, peer: int, address: Address, now: float) -> None:
        self._out.append((self._datagram(answer, peer, now), address))

    def _datagram(self, answer: Handshake, peer: int, now: float) -> bytes:
        timestamp = int((now - self._started) * 1e6) & 0xFFFF_FFFF
        return wire.control(
            ControlType.HANDSHAKE, timestamp=timestamp, peer=peer, cif=answer.build()
        )


class _Refused(Exception):
    def __init__(self, reason: Reject) -> None:
        super().__init__(reason.name)
        self.reason = reason
