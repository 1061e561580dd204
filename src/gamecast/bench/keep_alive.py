"""A light HTTP/1.1 connection: one request at a time, bodies kept or thrown away uncopied."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from gamecast.bench.tls import RECORD, receive, wrapped

_HEAD_READ = 1024
"""Little more than a head: what follows is thrown away by the kernel."""
_BODY_READ = 512 * 1024
_MOST_HEAD = 16 * 1024
_MOST_BODY = 64 * 1024 * 1024
"""Of what is kept: more than a segment of any stream that we measure."""


@dataclass(slots=True)
class Answer:
    """A response that is there as a whole."""

    status: int
    size: int
    """Of the body."""
    body: bytes
    """Empty if it was to be thrown away."""
    closing: bool
    location: str = ""
    """Of a redirection."""
    cookies: tuple[str, ...] = ()
    """``name=value`` of each that was set."""


class KeepAlive:
    """Owns a socket; :meth:`readable` is to be called when it has something."""

    def __init__(
        self, address: tuple[str, int], host: str, buffer: bytearray, *, tls: bool = False
    ) -> None:
        self.sock = socket.create_connection(address, timeout=10)
        if tls:
            self.sock = wrapped(self.sock, address[0])
        self._head_read = RECORD if tls else _HEAD_READ
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.waiting = False
        """Whether a response is still to come."""
        self._fields = f" HTTP/1.1\r\nhost: {host}\r\nuser-agent: gamecast-bench\r\n".encode()
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._reset(keep=True)

    def get(self, target: str, *, keep: bool, cookie: str = "") -> None:
        """Ask. ``keep``: whether the body is wanted. Raises ``OSError``."""
        self._reset(keep=keep)
        self.waiting = True
        # A request is small and the buffer empty: it is taken whole or the connection is dead.
        extra = f"cookie: {cookie}\r\n\r\n" if cookie else "\r\n"
        self.sock.send(b"GET " + target.encode() + self._fields + extra.encode())

    def readable(self) -> Answer | None:
        """Read once.

        Raises ``OSError``, of which ``ConnectionError`` at the end of the connection and for what
        is no HTTP (RFC 9112).
        """
        try:
            return self._read()
        except ValueError:
            raise ConnectionError("the server does not speak HTTP") from None

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()

    def _read(self) -> Answer | None:
        if not self._head:
            return self._read_head()
        if self._chunked or self._keep:
            count = self._receive(_BODY_READ)
            self._data += self._view[:count]
            if len(self._data) + len(self._body) > _MOST_BODY:
                raise ConnectionError("a body without an end")
        else:
            count = self._receive(self._left, socket.MSG_TRUNC)
        self._left -= count
        return self._finish()

    def _reset(self, *, keep: bool) -> None:
        self._keep = keep
        self._data = bytearray()
        self._body = bytearray()
        self._left = 0
        self._size = self._status = 0
        self._chunked = self._closing = False
        self._head = b""

    def _receive(self, most: int, flags: int = 0) -> int:
        try:
            count = receive(self.sock, self._view, min(most, len(self._buffer)), flags)
        except BlockingIOError:
            return 0
        if not count:
            raise ConnectionError("the server closed the connection")
        return count

    def _read_head(self) -> Answer | None:
        count = self._receive(_BODY_READ if self._keep else self._head_read)
        self._data += self._view[:count]
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            if len(self._data) > _MOST_HEAD:
                raise ConnectionError("no end of the response's head")
            return None
        self._head = bytes(self._data[:end])
        head = self._head.lower()
        del self._data[: end + 4]
        self._status = int(head[9:12])
        self._closing = b"\r\nconnection: close" in head
        self._chunked = b"\r\ntransfer-encoding: chunked" in head
        if not self._chunked:
            _, found, rest = head.partition(b"\r\ncontent-length:")
            self._size = _size(rest.partition(b"\r\n")[0]) if found else 0
            self._left = self._size - len(self._data)
        return self._finish()

    def _finish(self) -> Answer | None:
        if self._chunked:
            if not self._take_chunks():
                return None
        elif self._left > 0:
            return None
        self.waiting = False
        kept = bytes(self._body if self._chunked else self._data) if self._keep else b""
        answer = Answer(self._status, self._size, kept, self._closing)
        if self._status != 200 or b"ookie: " in self._head:
            _read_fields(self._head.decode("latin-1"), answer)
        return answer

    def _take_chunks(self) -> bool:
        """Whether the last has come (RFC 9112 section 7.1)."""
        position = 0
        try:
            while (end := self._data.find(b"\r\n", position)) >= 0:
                size = _size(bytes(self._data[position:end]).partition(b";")[0], base=16)
                if len(self._data) < end + 4 + size:
                    return False
                position = end + 4 + size
                if not size:
                    return True
                self._size += size
                if self._keep:
                    self._body += self._data[end + 2 : end + 2 + size]
            return False
        finally:
            del self._data[:position]


def _size(text: bytes, *, base: int = 10) -> int:
    """A negative one would have a chunk read again for ever. Raises ``ValueError``."""
    size = int(text, base)
    if size < 0:
        raise ValueError(f"{size} bytes")
    return size


def _read_fields(head: str, answer: Answer) -> None:
    for line in head.split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "location":
            answer.location = value
        elif name.lower() == "set-cookie":
            answer.cookies += (value.partition(";")[0],)
