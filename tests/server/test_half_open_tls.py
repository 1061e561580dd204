"""HTTPS and RTMPS: who connects and never shakes hands takes places, and nobody else's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from gamecast.protocols.rtmp.events import PublishStarted
from tests.server import rtmp_peer
from tests.server.site import Address, MakeSite, Site
from tests.support.certificates import write_certificate
from tests.support.events import until
from tests.support.gamecast import UNVERIFIED

CAPS = {"max_connections_per_address": 3, "max_connections": 5}


@pytest.fixture
async def secure(make_site: MakeSite, tmp_path: Path) -> Site:
    """A site with HTTPS and RTMPS and few places."""
    paths = write_certificate(tmp_path, "main")
    tls = {name.removeprefix("GAMECAST_TLS__").lower(): path for name, path in paths.items()}
    return await make_site(tls=tls, http=CAPS, rtmp=CAPS, auth={"publish": "open"})


async def half_open(address: Address, source: str) -> socket.socket:
    """A connection that says nothing."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind((source, 0))
    await asyncio.get_running_loop().sock_connect(sock, address)
    return sock


async def was_refused(sock: socket.socket) -> bool:
    """Whether the server closes it at once, long before the handshake's deadline."""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(3):
            return await asyncio.get_running_loop().sock_recv(sock, 1) == b""
    return True


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="127.0.0.2 is Linux's")
@pytest.mark.parametrize("listener", ["https", "rtmps"])
async def test_half_open_handshakes_are_capped(secure: Site, listener: str) -> None:
    assert secure.rtmps is not None
    address = secure.http if listener == "https" else secure.rtmps
    with contextlib.ExitStack() as stack:

        async def attack(source: str) -> socket.socket:
            return stack.enter_context(await half_open(address, source))

        first = [await attack("127.0.0.2") for _ in range(3)]
        assert await was_refused(await attack("127.0.0.2"))  # as many as an address may have
        await assert_serves(secure, listener)
        first += [await attack("127.0.0.3") for _ in range(2)]
        assert await was_refused(await attack("127.0.0.4"))  # as many as there may be
        for sock in first:
            sock.close()
        await until(lambda: secure.server._rtmp.admission.count == 0, "free places")
        await assert_serves(secure, listener)


async def assert_serves(site: Site, listener: str) -> None:
    """Another address is let in."""
    if listener == "https":
        assert (await site.get("/healthz", connection="close")).status_code == 200
        return
    assert site.rtmps is not None
    peer = await rtmp_peer.connect(site.rtmps, tls=UNVERIFIED)
    peer.connection.publish("main")
    peer.flush()
    await peer.expect(PublishStarted)
    peer.connection.close()
    peer.flush()
    peer.driver.close()
    await peer.wait_closed()
