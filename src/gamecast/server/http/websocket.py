"""The WebSocket handshake and the little that viewers say over one (RFC 6455)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed
from wsproto.utilities import generate_accept_token

Headers = Iterable[tuple[bytes, bytes]]


def wanted(headers: Headers) -> bool:
    """Whether a request asks for a WebSocket."""
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in headers)


def accept_headers(headers: Headers) -> list[tuple[bytes, bytes]] | None:
    """Headers of the 101 answer; ``None`` if the request's are not right (section 4.2.1)."""
    given = dict(headers)
    key = given.get(b"sec-websocket-key", b"")
    if given.get(b"sec-websocket-version") != b"13" or len(key) != 24:
        return None
    return [
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
        (b"sec-websocket-accept", generate_accept_token(key)),
    ]


class Listener:
    """Reads a viewer's frames: pings are answered, a close ends it, messages mean nothing."""

    def __init__(self, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._frames = FrameProtocol(client=False, extensions=[])
        self._write = write
        self._close = close
        self._budget = 1024 * 1024

    def data_received(self, data: bytes) -> None:
        """Feed bytes. A viewer has nothing to say, so more than 1 MiB in its life is abuse."""
        self._budget -= len(data)
        if self._budget < 0:
            self._close()
            return
        try:
            self._frames.receive_bytes(data)
            for frame in self._frames.received_frames():
                self._handle(frame.opcode, frame.payload)
        except ParseFailed as failure:
            self._write(self.close_frame(failure.code))
            self._close()

    def close_frame(self, code: int = CloseReason.NORMAL_CLOSURE, reason: str = "") -> bytes:
        """The frame that says goodbye."""
        return bytes(self._frames.close(code, reason[:100]))

    def _handle(self, opcode: Opcode, payload: object) -> None:
        if opcode is Opcode.PING and isinstance(payload, (bytes, bytearray)):
            self._write(bytes(self._frames.pong(bytes(payload))))
        elif opcode is Opcode.CLOSE:
            self._write(self.close_frame())
            self._close()
