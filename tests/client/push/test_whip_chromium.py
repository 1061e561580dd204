"""WHIP to somebody else's WebRTC: Chromium behind a few lines of HTTP takes our offer."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

import pytest
from playwright.async_api import Page

from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.tone import Tone
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.target import parse_target
from gamecast.client.session import Outcome, PushSession
from gamecast.media.track import Codec
from tests.support.browser import chromium, new_context
from tests.support.glass import delay

ANSWER = """async (offer) => {
  const peer = globalThis.peer = new RTCPeerConnection();
  const video = document.body.appendChild(document.createElement('video'));
  const stream = video.srcObject = new MediaStream();
  video.autoplay = true;
  peer.ontrack = ({ track }) => stream.addTrack(track);
  await peer.setRemoteDescription({ type: 'offer', sdp: offer });
  await peer.setLocalDescription();
  await new Promise((done) => {
    if (peer.iceGatheringState === 'complete') done();
    peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && done();
  });
  return peer.localDescription.sdp;
}"""
STATISTICS = """async () => {
  const found = {};
  if (!globalThis.peer) return found;
  for (const each of (await globalThis.peer.getStats()).values())
    if (each.type === 'inbound-rtp') found[each.kind] = each;
  return found;
}"""
LOCAL_ADDRESSES = ["--disable-features=WebRtcHideLocalIpsWithMdns"]


class Whip:
    """A WHIP endpoint whose media goes to a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.requests: list[tuple[str, str]] = []
        """Method and bearer token."""

    async def listen(self) -> tuple[asyncio.Server, int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(fields["content-length"]))
        method, path, _ = head.split(" ", 2)
        self.requests.append((method, fields.get("authorization", "")))
        if path == "/old":
            answer = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /whip\r\n\r\n"
        elif method == "POST":
            sdp: str = await self._page.evaluate(ANSWER, body.decode())
            answer = (
                "HTTP/1.1 201 Created\r\ncontent-type: application/sdp\r\nlocation: /whip/1\r\n"
                'link: <stun:stun.example.net>; rel="ice-server"\r\n'
                f"content-length: {len(sdp)}\r\n\r\n{sdp}"
            )
        else:
            answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        writer.write(answer.encode())
        await writer.drain()
        writer.close()


async def statistics(page: Page, *, pictures: int) -> dict[str, Any]:
    """Once so many pictures are decoded."""
    for _ in range(200):
        found: dict[str, Any] = await page.evaluate(STATISTICS)
        if found.get("video", {}).get("framesDecoded", 0) >= pictures:
            return found
        await page.wait_for_timeout(100)
    raise AssertionError(found)


@pytest.mark.interop
async def test_chromium_takes_pictures_and_sound() -> None:
    settings = VideoSettings(
        width=640, height=360, fps=Fraction(30), bitrate=800_000, keyframe_interval=60
    )
    async with chromium(LOCAL_ADDRESSES) as browser:
        page = await (await new_context(browser)).new_page()
        whip = Whip(page)
        server, port = await whip.listen()
        session = PushSession(
            sources=[TestScene(640, 360, Fraction(30)), Tone()],
            video=VideoEncoder("libx264", settings),
            audio=[AudioEncoder(AudioSettings(codec=Codec.OPUS))],
            targets=[parse_target(f"whip://127.0.0.1:{port}/old", {"GAMECAST_PUSH_KEY": "S3CRET"})],
        )
        stats = session.destinations[0].stats
        pushing = asyncio.ensure_future(asyncio.to_thread(session.run))
        try:
            found = await statistics(page, pictures=45)
        except AssertionError as error:
            raise AssertionError(f"{error}: {stats}") from None
        late = await delay(page)
        known = (stats.rtt, stats.bandwidth)
        session.stop()
        outcome: Outcome = await pushing
        server.close()
    assert outcome.ok, outcome
    assert (found["video"]["frameWidth"], found["video"]["frameHeight"]) == (640, 360)
    assert found["video"]["packetsLost"] == 0
    assert found["audio"]["packetsReceived"] > 40
    assert found["audio"]["totalAudioEnergy"] > 0
    assert late is not None
    assert late < 2
    assert known[0] is not None
    assert known[1] is not None
    assert known[1] > 500_000
    assert whip.requests == [
        ("POST", "Bearer S3CRET"),
        ("POST", "Bearer S3CRET"),
        ("DELETE", "Bearer S3CRET"),
    ]
