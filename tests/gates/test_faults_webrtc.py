"""A server that stands still for longer than a WebRTC publisher may be silent.

Peers themselves wait for 30 s (RFC 7675 section 5.1); real ones are met in ``test_faults_udp.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gamecast.media.track import Codec
from gamecast.server.webrtc import whip
from tests.server.webrtc.peer import Peer
from tests.server.webrtc.test_whip import STREAMS, Encoder
from tests.support.events import until
from tests.support.gamecast import GamecastServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a standstill is made by SIGSTOP")

STANDSTILL = 20.0
FPS = 30


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GamecastServer]:
    """A server where anybody may publish."""
    with GamecastServer(tmp_path, settings={"GAMECAST_AUTH__PUBLISH": "open"}) as running:
        yield running


@contextlib.asynccontextmanager
async def publishing(server: GamecastServer) -> AsyncIterator[Peer]:
    """``main`` on air by WHIP."""
    async with Peer(f"{server.http}/live/main/whip", STREAMS) as peer:
        await peer.until(lambda: peer.session is not None and peer.session.is_connected)
        task = asyncio.create_task(Encoder(peer).run())
        try:
            await asyncio.to_thread(server.wait_on_air, "main", tracks=2)
            yield peer
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_webrtc_peers_outlive_a_standstill_of_20_s(server: GamecastServer) -> None:
    assert whip._SILENT_SECONDS < STANDSTILL, "the server has to listen before it judges"
    watching = Peer(f"{server.http}/live/main/whep")
    async with publishing(server) as publisher, watching as viewer:
        await viewer.until(lambda: len(viewer.units(Codec.H264, "video")) > FPS)
        before = await state(server)
        await stand_still(server)
        count = len(viewer.of("video"))
        await viewer.until(
            lambda: len(viewer.of("video")) > count + 3 * FPS or viewer.closed, within=20
        )
        assert (viewer.closed, publisher.closed) == (None, None)
        assert await state(server) == before
        log = server.log
    assert "loop.blocked" in log
    for fault in ("publisher_lost", "webrtc.closed", "Traceback"):
        assert fault not in log


async def state(server: GamecastServer) -> tuple[str, bool, int]:
    """Since when the stream is on air, whether its publisher is there, and how many watch."""
    found = await asyncio.to_thread(server.stream, "main")
    assert found is not None
    return found["started_at"], found["publisher"]["connected"], found["viewers"]["whep"]


async def stand_still(server: GamecastServer) -> None:
    """The publisher goes on meanwhile."""
    assert server.process is not None
    now = asyncio.get_running_loop().time
    end = now() + STANDSTILL
    server.process.signal(signal.SIGSTOP)
    await until(lambda: now() >= end, "the standstill's end", within=STANDSTILL + 5)
    server.process.signal(signal.SIGCONT)
