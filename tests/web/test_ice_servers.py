"""STUN and TURN servers that the server names: used where the direct way is barred."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Page

from tests.support.gamecast import GamecastServer
from tests.web.conftest import SETTINGS, OpenPage
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, log_codes, until, until_moving

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]

BARRED = """
const Peer = RTCPeerConnection;
globalThis.used = [];
globalThis.RTCPeerConnection = class extends Peer {
  constructor(config) {
    super(config);
    globalThis.used.push(config.iceServers.map(({ urls }) => urls));
    this.direct = config.iceServers.length === 0;
  }
  setRemoteDescription({ type, sdp }) {
    const reachable = this.direct ? sdp.replace(/a=candidate:.*\\r\\n/g, '') : sdp;
    return super.setRemoteDescription({ type, sdp: reachable });
  }
};
"""
"""Without STUN or TURN, nothing of the server can be reached."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """A server that names a STUN server; nobody has to answer there."""
    settings = {**SETTINGS, "GAMECAST_ICE__SERVERS": "stun:127.0.0.1:9"}
    with GamecastServer(tmp_path_factory.mktemp("server"), settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def scene(server: GamecastServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A stream on it."""
    with Scene(server, "scene", tmp_path_factory.mktemp("scene")) as on_air:
        yield on_air


async def test_the_second_connection_goes_by_the_servers(open_page: OpenPage, scene: Scene) -> None:
    async def bar(page: Page) -> None:
        await page.add_init_script(BARRED)

    async with open_page(f"/{scene.name}", protocol="auto", prepare=bar) as page:
        await until(page, "() => globalThis.gamecast?.player.engine === 'whep'")
        await until_moving(page, seconds=2)
        assert await page.evaluate("used") == [[], ["stun:127.0.0.1:9"]]
        assert "engine-failed" not in await log_codes(page)
        tracks = "document.querySelector('video').srcObject.getTracks().length"
        assert await page.evaluate(tracks) == 2
