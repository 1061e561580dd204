"""Media over WebSocket (RFC 6455): handshake, messages, pings, ends, and frames that are wrong."""

from __future__ import annotations

import asyncio
import struct

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from gamecast.media.containers.flv import FlvDemuxer
from tests.server.http_viewer import RawHttp, assert_unbroken, watch_flv
from tests.server.rtmp_peer import frame_numbers, on_air
from tests.server.site import MakeSite, Site
from tests.support.events import until

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
VERSION = "Sec-WebSocket-Version: 13"


def url(site: Site, file: str = "main.flv") -> str:
    return f"{site.base_url.replace('http', 'ws')}/live/{file}"


def frame(opcode: int, payload: bytes, *, length: int | None = None) -> bytes:
    """A masked client frame; ``length`` is what its header claims."""
    size = len(payload) if length is None else length
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += b"\xfe" + struct.pack(">H", size)
    else:
        head += b"\xff" + struct.pack(">Q", size)
    return head + bytes(4) + payload


async def open_raw(site: Site, *, file: str = "main.flv") -> RawHttp:
    http = await RawHttp.open(site.http)
    http.request(f"/live/{file}", *UPGRADE, KEY, VERSION)
    assert await http.read_head() == 101
    return http


async def test_messages_carry_what_the_body_would_and_the_end_is_said(site: Site) -> None:
    publisher = await on_air(site)
    async with connect(url(site)) as socket, await watch_flv(site.http) as viewer:
        publisher.send(30)
        await viewer.wait_for_frame(34)
        publisher.stop()
        messages = [message async for message in socket]
        await viewer.wait_end()
    assert all(isinstance(message, bytes) for message in messages)
    tags = FlvDemuxer().receive_data(b"".join(m for m in messages if isinstance(m, bytes)))
    frames = [n for tag in tags if tag.type == 9 for n in frame_numbers(tag.payload)]
    assert frames == list(range(35)) == viewer.frames
    assert (socket.close_code, socket.close_reason) == (1000, "the stream has ended")


async def test_fragmented_mp4(site: Site) -> None:
    publisher = await on_air(site)
    async with connect(url(site, "main.mp4")) as socket:
        first = await socket.recv()
        assert isinstance(first, bytes)
        assert first[4:8] == b"ftyp"
    publisher.stop()


async def test_ping_and_close_are_answered_and_the_viewer_is_gone(site: Site) -> None:
    publisher = await on_air(site)
    async with connect(url(site)) as socket:
        assert (await site.json("/api/v1/streams/main"))["viewers"] == {"total": 1, "flv": 1}
        pong = await socket.ping(b"are you there")
        await asyncio.wait_for(pong, 5)
        await socket.send("viewers have nothing to say")
        publisher.send(3)
        await socket.recv()
    assert socket.close_code == 1000
    await until(lambda: not site.stream().audience()["total"], "the viewer gone")
    publisher.stop()


@pytest.mark.parametrize(
    "headers",
    [
        (*UPGRADE, VERSION),
        (*UPGRADE, KEY),
        (*UPGRADE, KEY, "Sec-WebSocket-Version: 12"),
        (*UPGRADE, "Sec-WebSocket-Key: short", VERSION),
    ],
)
async def test_a_wrong_handshake_is_refused(site: Site, headers: tuple[str, ...]) -> None:
    publisher = await on_air(site)
    async with await RawHttp.open(site.http) as http:
        http.request("/live/main.flv", *headers)
        body = await http.read_answer()
        assert http.status == 400
        assert http.headers["sec-websocket-version"] == "13"
        assert b"WebSocket" in body
    publisher.stop()


@pytest.mark.parametrize(
    ("allowed", "origin", "status"),
    [
        ("*", "https://elsewhere.test", 101),
        ("https://friend.test", "https://friend.test", 101),
        ("https://friend.test", "http://test", 101),  # our own: what Host says
        ("https://friend.test", None, 101),  # no browser
        ("https://friend.test", "https://elsewhere.test", 403),
        ("https://friend.test", "null", 403),
        ("", "https://elsewhere.test", 403),
    ],
)
async def test_pages_of_other_origins_watch_only_where_they_may(
    make_site: MakeSite, allowed: str, origin: str | None, status: int
) -> None:
    site = await make_site(auth={"publish": "open"}, http={"allow_origin": allowed})
    publisher = await on_air(site)
    async with await RawHttp.open(site.http) as http:
        headers = [*UPGRADE, KEY, VERSION, *([f"Origin: {origin}"] if origin else [])]
        http.request("/live/main.flv", *headers)
        assert await http.read_head() == status
    publisher.stop()


async def test_an_upgrade_to_something_else_is_ignored(site: Site) -> None:
    publisher = await on_air(site)
    async with await RawHttp.open(site.http) as http:
        http.request("/live/main.flv", "Upgrade: h2c", "Connection: Upgrade")
        assert await http.read_head() == 200
    publisher.stop()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x81\x05hello",  # not masked
        frame(0x3, b""),  # reserved opcode
        frame(0x9, b"x" * 200),  # a ping may carry 125 bytes
        b"\xf1" + frame(0x1, b"x")[1:],  # reserved bits
        frame(0x8, b"\x00"),  # half a close code
        b"\x81\xff" + b"\xff" * 8 + bytes(4),  # a length with the top bit set
    ],
)
async def test_frames_against_the_rules_close_that_viewer_only(site: Site, nonsense: bytes) -> None:
    publisher = await on_air(site)
    async with await watch_flv(site.http) as canary:
        http = await open_raw(site)
        http.send(nonsense)
        data = await http.read_to_end()
        assert data[-200:].find(b"\x88") >= 0, "no close frame"
        await http.close()
        publisher.send(30)
        await canary.wait_for_frame(34)
        assert_unbroken(canary.frames)
    publisher.stop()


async def test_a_viewer_that_talks_too_much_is_closed(site: Site) -> None:
    publisher = await on_air(site)
    http = await open_raw(site)
    for _ in range(40):
        http.send(frame(0x2, bytes(60_000)))
    await http.read_to_end()
    await http.close()
    http = await open_raw(site)  # one frame that claims to be 1 GiB: nothing is reserved for it
    http.send(frame(0x2, bytes(10_000), length=1 << 30))
    for _ in range(40):
        http.send(bytes(60_000))
    await http.read_to_end()
    await http.close()
    await until(lambda: not site.stream().audience()["total"], "both viewers gone")
    publisher.stop()


async def test_many_pings_cost_at_most_as_many_pongs(site: Site) -> None:
    publisher = await on_air(site)
    http = await open_raw(site)
    for _ in range(200):
        http.send(frame(0x9, b"x" * 100))
    data = b""
    async with asyncio.timeout(5):
        while data.count(b"\x8a\x64" + b"x" * 100) < 200:
            data += await http.reader.read(65_536)
    await http.close()
    publisher.stop()


async def test_the_close_code_of_wrong_frames(site: Site) -> None:
    publisher = await on_air(site)
    socket = await connect(url(site))
    socket.transport.write(frame(0x3, b""))
    with pytest.raises(ConnectionClosedError) as caught:
        async for _ in socket:
            pass
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1002
    publisher.stop()
