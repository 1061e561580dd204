"""Answers that a connection gives by itself, at once or later, beside those of an application."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response

from gamecast.server.http.answers import Answer, Give, Headers, Pending
from tests.server.http.test_listener import LARGE, Listening
from tests.server.http_viewer import RawHttp
from tests.server.site import Address
from tests.support.events import until

DATE = [(b"date", b"today")]


def answer(body: bytes) -> Answer:
    return Answer(Response(body), {})


class Later:
    """An answer that the test gives."""

    def __init__(self) -> None:
        self.give: Give | None = None
        self.stopped = 0

    def start(self, give: Give) -> None:
        self.give = give

    def stop(self) -> None:
        self.stopped += 1

    async def waits(self) -> Give:
        """What gives the answer, once a connection waits for it."""
        await until(lambda: self.give, "a connection that waits", within=5)
        assert self.give is not None
        return self.give


class Known:
    """Answers ``/echo`` and ``/once`` at once, ``/later`` later, and nothing else."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.later = Later()

    def find(self, url: bytes, headers: Headers, address: str) -> Answer | Pending | None:
        self.asked.append(url)
        if url == b"/later":
            return self.later
        known = {b"/echo": b"by itself", b"/once": bytes(LARGE)}
        return answer(known[url]) if url in known else None


class Scene:
    """A listener that knows some answers."""

    def __init__(self, header: float = 5) -> None:
        self.known = Known()
        self.listening = Listening(header=header, ready=self.known)
        self.address: Address = ("", 0)

    @property
    def connections(self) -> int:
        return self.listening.admission.count


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    made.address = await made.listening.start()
    yield made
    await made.listening.listener.close(patience=0.1)


# Answers ----------------------------------------------------------------------------------------


def test_an_answer_is_the_same_object_for_everybody() -> None:
    made = Answer(Response(b"body", 404, {"x": "y"}), {"x": "z", "a": "b"})
    wire = made.wire(DATE)
    assert b"".join(wire) == (
        b"HTTP/1.1 404 Not Found\r\ndate: today\r\nx: y\r\ncontent-length: 4\r\na: b\r\n\r\nbody"
    )
    assert made.wire(DATE)[0] is wire[0]
    tomorrow = [(b"date", b"tomorrow")]
    assert b"tomorrow" in made.wire(tomorrow)[0]


def test_what_is_large_is_not_copied() -> None:
    body = bytes(1_000_000)
    assert answer(body).wire(DATE)[1] is body


# At once ----------------------------------------------------------------------------------------


async def test_what_is_known_is_answered_and_the_rest_by_the_application(scene: Scene) -> None:
    async with await RawHttp.open(scene.address) as http:
        http.request("/echo")
        assert await http.read_answer() == b"by itself"
        assert http.headers["date"]
        http.request("/echo?x")
        assert await http.read_answer() == b""


@pytest.mark.parametrize(
    ("method", "version", "headers"),
    [
        ("HEAD", "1.1", []),
        ("POST", "1.1", ["Content-Length: 0"]),
        ("GET", "1.0", []),
        ("GET", "1.0", ["Connection: keep-alive"]),
        ("GET", "1.1", ["Connection: close"]),
        ("GET", "1.1", ["X: " + "y" * 66_000]),
    ],
)
async def test_what_is_not_plain_is_the_application_s(
    scene: Scene, method: str, version: str, headers: list[str]
) -> None:
    async with await RawHttp.open(scene.address) as http:
        http.request("/echo", *headers, method=method, version=version)
        await http.read_head()
        assert scene.known.asked == []


async def test_who_does_not_read_gets_nothing_more_at_once(scene: Scene) -> None:
    """Otherwise one connection could have any number of answers in memory."""
    async with await RawHttp.open(scene.address) as http:
        http.request("/once")
        http.request("/echo")
        assert len(await http.read_answer()) == LARGE
        assert await http.read_answer() == b"", "this one is of the application, which waits"
    assert scene.known.asked == [b"/once"]


# Later ------------------------------------------------------------------------------------------


async def test_requests_behind_one_that_waits_wait_for_their_turn(scene: Scene) -> None:
    async with await RawHttp.open(scene.address) as http:
        for path in ("/echo", "/later", "/echo"):
            http.request(path)
        assert await http.read_answer() == b"by itself"
        give = await scene.known.later.waits()
        http.request("/echo")
        reading = asyncio.create_task(http.read_answer())
        done, _ = await asyncio.wait([reading], timeout=0.1)
        assert not done, "an answer came before its turn"
        give(answer(b"later"))
        assert await reading == b"later"
        assert await http.read_answer() == b""
        assert await http.read_answer() == b""
        http.request("/echo")
        assert await http.read_answer() == b"by itself"


async def test_one_that_waits_is_not_idle_and_one_that_was_answered_is(scene: Scene) -> None:
    async with await RawHttp.open(scene.address) as http:
        http.request("/echo")
        http.request("/later")  # with the first, so that the first's answer began to be idle
        assert await http.read_answer() == b"by itself"
        give = await scene.known.later.waits()
        reading = asyncio.create_task(http.read_answer())
        done, _ = await asyncio.wait([reading], timeout=1.3)  # idle_timeout is 1 s
        assert not done, "it was closed as idle"
        give(answer(b"later"))
        assert await reading == b"later"
        assert await http.read_to_end() == b""


async def test_who_leaves_is_not_waited_for(scene: Scene) -> None:
    async with await RawHttp.open(scene.address) as http:
        http.request("/later")
        give = await scene.known.later.waits()
        assert scene.connections == 1
    await until(lambda: scene.connections == 0, "the connection gone")
    assert scene.known.later.stopped == 1
    give(answer(b"to nobody"))


async def test_closing_ends_what_waits_at_once(scene: Scene) -> None:
    async with await RawHttp.open(scene.address) as http:
        http.request("/later")
        await scene.known.later.waits()
        await asyncio.wait_for(scene.listening.listener.close(patience=60), 5)
        await http.read_answer()
        assert http.status == 503
        assert http.headers["retry-after"] == "1"
        assert http.headers["connection"] == "close"
        assert await http.read_to_end() == b""
    assert scene.known.later.stopped == 1
    assert scene.connections == 0


async def test_half_a_request_behind_one_that_waits_has_its_deadline() -> None:
    scene = Scene(header=0.3)
    async with await RawHttp.open(await scene.listening.start()) as http:
        http.request("/later")
        await scene.known.later.waits()
        http.send(b"GET /ec")
        assert await http.read_to_end() == b"", "a status would be the answer to what waits"
    await until(lambda: scene.known.later.stopped, "nobody waiting")
    await scene.listening.listener.close(patience=0.1)


async def test_a_late_answer_to_who_does_not_read_is_watched_like_any_other(scene: Scene) -> None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(scene.address)
        sock.sendall(b"GET /later HTTP/1.1\r\nHost: x\r\n\r\n")
        give = await scene.known.later.waits()
        give(answer(bytes(LARGE)))
        await until(lambda: scene.connections == 0, "its end", within=6)
