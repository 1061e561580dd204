"""How a light viewer gets a protocol to the point where media flows."""

from __future__ import annotations

import os
import socket
import time
from urllib.parse import urlsplit

from gamecast.bench.errors import BenchError
from gamecast.bench.viewers import Opening, SignOfLife
from gamecast.protocols.rtmp import (
    ClientConnection,
    RtmpProtocolError,
    parse_url,
    write_message,
)
from gamecast.protocols.rtmp.events import MessageReceived, PlayStarted
from gamecast.protocols.rtmp.messages import CONTROL_CSID, MessageType, u32

_MAX_HEAD = 16 * 1024


def opening_for(url: str) -> tuple[tuple[str, int], Opening]:
    """Where to connect and what to say, for ``http(s)://…`` (any endless body) and ``rtmp(s)://…``.

    Whoever connects speaks TLS first. Raises ``ValueError`` for other schemes.
    """
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return (parts.hostname, port), _http(parts.netloc, target or "/")
    if parts.scheme in ("rtmp", "rtmps"):
        rtmp = parse_url(url)
        return (rtmp.host, rtmp.port), _rtmp(url)
    raise ValueError("watch needs http(s):// or rtmp(s)://")


def sign_of_life(scheme: str) -> SignOfLife | None:
    """What viewers of this scheme have to say from time to time, if anything."""
    return _acknowledgement if scheme in ("rtmp", "rtmps") else None


def _acknowledgement(received: int) -> bytes:
    """RTMP's Acknowledgement (section 5.4.3); the server's pings are not read."""
    body = u32(received)
    return write_message(
        MessageType.ACKNOWLEDGEMENT, 0, 0, body, csid=CONTROL_CSID, chunk_size=len(body)
    )


def _http(host: str, target: str) -> Opening:
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: gamecast-bench\r\n\r\n"

    def open(sock: socket.socket) -> bytes:
        sock.sendall(request.encode())
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(65_536)
            if not data or len(head) > _MAX_HEAD + 65_536:
                raise BenchError("no HTTP answer")
            head += data
        first, _, _ = head.partition(b"\r\n")
        if first.split(b" ")[1:2] != [b"200"]:
            raise BenchError(f"the server answered {first.decode('latin-1')}")
        return head.partition(b"\r\n\r\n")[2]

    return open


def _rtmp(url: str) -> Opening:
    def open(sock: socket.socket) -> bytes:
        try:
            return _play(url, sock)
        except RtmpProtocolError as error:
            raise BenchError(f"the server does not speak RTMP: {error}") from None

    return open


def _play(url: str, sock: socket.socket) -> bytes:
    parts = parse_url(url)
    connection = ClientConnection(time.monotonic(), random_bytes=os.urandom)
    connection.connect(parts.tc_url, parts.app)
    connection.play(parts.name)
    while True:
        sock.sendall(connection.data_to_send())
        # A server that leaves Nagle's algorithm on waits for what we would acknowledge late:
        # 40 ms for every step, minutes for thousands of viewers.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        data = sock.recv(65_536)
        if not data:
            raise BenchError("the server closed the connection")
        for event in connection.receive_data(data, time.monotonic()):
            if isinstance(event, MessageReceived):
                return data  # the commands before the media hold no stamps
            if not isinstance(event, PlayStarted) and "Reject" in type(event).__name__:
                raise BenchError(f"the server refused: {event!r}")
