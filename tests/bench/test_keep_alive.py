from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from gamecast.bench.keep_alive import Answer, KeepAlive


@pytest.fixture
def connected() -> Iterator[tuple[KeepAlive, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = KeepAlive(listener.getsockname(), "host", bytearray(64 * 1024))
        peer, _ = listener.accept()
        with peer:
            yield connection, peer
            connection.close()


def read(connection: KeepAlive) -> Answer:
    """Until the answer is whole."""
    connection.sock.settimeout(5)
    while (answer := connection.readable()) is None:
        pass
    return answer


def test_a_body_is_kept_or_thrown_away(connected: tuple[KeepAlive, socket.socket]) -> None:
    connection, peer = connected
    for keep in (True, False, True):
        connection.get("/a?b=c", keep=keep)
        assert peer.recv(1000).startswith(b"GET /a?b=c HTTP/1.1\r\nhost: host\r\n")
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)
        answer = read(connection)
        assert (answer.status, answer.size) == (200, 5000)
        assert answer.body == (b"x" * 5000 if keep else b"")
        assert not connection.waiting


def test_chunks_are_joined(connected: tuple[KeepAlive, socket.socket]) -> None:
    connection, peer = connected
    connection.get("/", keep=True)
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert connection.readable() is None
    peer.sendall(b"2;x=y\r\nde\r\n0\r\n\r\n")
    assert read(connection).body == b"abcde"


def test_the_end_of_the_connection_is_an_error(connected: tuple[KeepAlive, socket.socket]) -> None:
    connection, peer = connected
    connection.get("/", keep=True)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    peer.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionError):
        read(connection)


def test_cookies_and_redirections(connected: tuple[KeepAlive, socket.socket]) -> None:
    connection, peer = connected
    connection.get("/", keep=True, cookie="a=1; b=2")
    assert b"\r\ncookie: a=1; b=2\r\n\r\n" in peer.recv(1000)
    peer.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: /x?C=1\r\nSet-Cookie: Id=Ab; Path=/\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    answer = read(connection)
    assert (answer.status, answer.location, answer.cookies) == (302, "/x?C=1", ("Id=Ab",))
