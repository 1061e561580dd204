"""WebRTC in Chromium where no UDP passes: playing and publishing over ICE-TCP."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.support.gamecast import GamecastServer
from tests.web.conftest import OpenPage
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, stats, until, until_moving

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]

NO_UDP = """
const Peer = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Peer {
  setRemoteDescription({ type, sdp }) {
    const tcpOnly = sdp.replace(/a=candidate:\\S+ 1 udp .*\\r\\n/g, '');
    return super.setRemoteDescription({ type, sdp: tcpOnly });
  }
};
"""
"""Candidates of the server that are not TCP are unknown to the browser."""

PUBLISH = """async () => {
  const { WhipSession } = await import('/assets/js/studio/whip.js');
  const canvas = document.createElement('canvas');
  const picture = { width: 320, height: 180, fps: 30, bitrate: 500_000 };
  Object.assign(canvas, picture);
  const paint = canvas.getContext('2d');
  setInterval(() => {
    paint.fillStyle = `hsl(${performance.now() / 10 % 360} 80% 50%)`;
    paint.fillRect(0, 0, 320, 180);
  }, 33);
  const context = new AudioContext();
  const [audio] = context.createMediaStreamDestination().stream.getAudioTracks();
  const [video] = canvas.captureStream(30).getVideoTracks();
  await new Promise((resolve, reject) => {
    const session = globalThis.whip = new WhipSession({ onConnected: resolve, onLost: reject });
    const options = { path: '/live/fromtcp/whip', key: '', video, audio, picture, codec: 'h264' };
    session.open(options).catch(reject);
  });
  const reports = [...(await globalThis.whip.peer.getStats()).values()];
  const transport = reports.find(({ type }) => type === 'transport');
  const pair = reports.find(({ id }) => id === transport.selectedCandidatePairId);
  return reports.find(({ id }) => id === pair.localCandidateId).protocol;
}"""


async def without_udp(page: Page) -> None:
    """Before the page loads."""
    await page.add_init_script(NO_UDP)


async def test_plays_over_tcp_without_a_freeze(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}", protocol="auto", prepare=without_udp) as page:
        await until(page, "() => globalThis.gamecast?.player.engine === 'whep'")
        await until_moving(page, seconds=5)
        found = await stats(page)
        assert found["engine"] == "whep"
        assert found["details"]["path"] == "tcp"
        assert found["details"]["lost"] == 0
        assert found["details"]["freezes"] == 0


async def test_publishes_over_tcp(open_page: OpenPage, server: GamecastServer) -> None:
    async with open_page("/", prepare=without_udp) as page:
        assert await page.evaluate(PUBLISH) == "tcp"
        found = server.wait_on_air("fromtcp", tracks=1)
        assert found["tracks"][0]["codec"] == "h264"
        await page.evaluate("whip.close()")
        server.wait_off_air("fromtcp")
