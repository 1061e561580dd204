"""Targets for what a server says to our own load: it may be any server, and a broken one.

Documented are :class:`BenchError` and, of what owns a socket, ``ConnectionError``.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable, Coroutine

from gamecast.bench import janus
from gamecast.bench.exchange import read_answer
from gamecast.bench.hls_playlist import parse_listing, variant_uri
from gamecast.bench.keep_alive import KeepAlive
from gamecast.bench.openings import opening_for


def read_all(reading: Coroutine[object, None, object]) -> object:
    """What a coroutine gives that never has to wait, because all bytes are there."""
    try:
        reading.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for more than there is")


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """Streams want to know one; it never runs."""
    return asyncio.new_event_loop()


def http_answer(data: bytes) -> None:
    """One answer to WHIP, WHEP or Janus."""
    reader = asyncio.StreamReader(loop=_loop())
    reader.feed_data(data)
    reader.feed_eof()
    read_all(read_answer(reader))


@functools.cache
def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _said(data: bytes) -> None:
    """The other end of the newest connection says this and closes; its socket is never reset."""
    peer, _ = _listener().accept()
    with peer:
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)


def kept_alive(data: bytes) -> None:
    """Two answers on one connection, the first kept and the second thrown away."""
    connection = KeepAlive(_listener().getsockname(), "host", bytearray(16_384))
    connection.sock.settimeout(5)
    try:
        _said(data)
        for keep in (True, False):
            connection.get("/", keep=keep)
            while connection.readable() is None:
                pass
    finally:
        connection.close()


def _opened(url: str) -> Callable[[bytes], object]:
    def target(data: bytes) -> object:
        with socket.create_connection(_listener().getsockname(), timeout=5) as sock:
            _said(data)
            return opening_for(url)[1](sock)

    return target


def playlist(data: bytes) -> None:
    """A multivariant or a media playlist."""
    text = "#EXTM3U\n" + data.decode("utf-8", "replace")
    variant_uri(text)
    parse_listing(text)


def janus_answer(data: bytes) -> None:
    """The JSON of Janus' HTTP API, whichever request it is meant for."""
    answer = janus.checked(200, data)
    janus.offer_of(answer)
    janus.id_of(answer)


ANSWERS = {
    "bench_http_answer": http_answer,
    "bench_keep_alive": kept_alive,
    "bench_flv_answer": _opened("http://host/live/main.flv"),
    "bench_rtmp_answer": _opened("rtmp://host/live/main"),
    "bench_playlist": playlist,
    "bench_janus": janus_answer,
}
