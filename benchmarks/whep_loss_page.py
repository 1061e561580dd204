"""A viewer that is a browser and nothing else: one page, the same for every server.

The page makes or answers an offer and counts the pictures that it shows; who talks to the server,
and puts the relay into what it says, is here.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from playwright.async_api import Browser, Page

from benchmarks.whep_loss_relay import Relay

_PATIENCE = 30.0
_HTML = "<!doctype html><video autoplay muted playsinline width=640></video>"
_SETUP = """() => {
  const video = document.querySelector('video');
  const peer = globalThis.peer = new RTCPeerConnection();
  const seen = globalThis.seen = { shown: [], stalls: [] };
  peer.ontrack = ({ streams: [stream], track }) => {
    if (track.kind === 'video') video.srcObject = stream ?? new MediaStream([track]);
  };
  globalThis.gathered = async () => {
    while (peer.iceGatheringState !== 'complete')
      await new Promise((resolve) => peer.addEventListener('icegatheringstatechange', resolve, { once: true }));
    return peer.localDescription.sdp;
  };
  const look = (now) => { seen.shown.push(now); video.requestVideoFrameCallback(look); };
  video.requestVideoFrameCallback(look);
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    if (now - last > 150) seen.stalls.push([last, now]);
    last = now;
  }, 50);
}"""  # noqa: E501
_OFFER = """async () => {
  peer.addTransceiver('video', { direction: 'recvonly' });
  peer.addTransceiver('audio', { direction: 'recvonly' });
  await peer.setLocalDescription(await peer.createOffer());
  return await gathered();
}"""
_ACCEPT = "(sdp) => peer.setRemoteDescription({ type: 'answer', sdp })"
_ANSWER = """async (sdp) => {
  await peer.setRemoteDescription({ type: 'offer', sdp });
  await peer.setLocalDescription(await peer.createAnswer());
  return await gathered();
}"""
_LOOK = """async () => {
  const found = { now: performance.now(), ...seen };
  for (const report of (await peer.getStats()).values())
    if (report.type === 'inbound-rtp' && report.kind === 'video') found.video = { ...report };
  return found;
}"""
SHOWS = "() => seen.shown.length >= 30"


@dataclass(slots=True)
class Look:
    """What the page has counted until ``now``. Times in seconds of the page's own clock."""

    now: float
    shown: list[float]
    """When each picture came on the screen."""
    stalls: list[tuple[float, float]]
    """Spans in which the page had no processor."""
    video: dict[str, Any]
    """``RTCInboundRtpStreamStats``."""

    @property
    def stalled(self) -> float:
        """Seconds."""
        return sum(end - start for start, end in self.stalls)


class LossPage:
    """The page of one session, and its relay."""

    def __init__(self, page: Page, relay: Relay) -> None:
        self._page = page
        self.relay = relay

    async def plays(self, *, within: float = _PATIENCE) -> None:
        """Wait for the first thirty pictures."""
        await self._page.wait_for_function(SHOWS, timeout=within * 1000)

    async def look(self) -> Look:
        """How far it is now."""
        found = await self._page.evaluate(_LOOK)
        return Look(
            now=found["now"] / 1000,
            shown=[each / 1000 for each in found["shown"]],
            stalls=[(start / 1000, end / 1000) for start, end in found["stalls"]],
            video=found.get("video", {}),
        )

    async def now(self) -> float:
        """The page's clock."""
        return float(await self._page.evaluate("() => performance.now()")) / 1000

    async def offer(self) -> str:
        """For WHEP, without addresses: the server shall answer to the relay alone."""
        return without_candidates(await self._page.evaluate(_OFFER))

    async def accept(self, answer: str) -> None:
        """The server's answer."""
        await self._page.evaluate(_ACCEPT, self.relay.between(answer))

    async def answer(self, offer: str) -> str:
        """Where the server makes the offer."""
        return without_candidates(await self._page.evaluate(_ANSWER, self.relay.between(offer)))


@asynccontextmanager
async def watching(
    browser: Browser, protocol: str, url: str, relay: Relay
) -> AsyncIterator[LossPage]:
    """A page that watches through the relay. ``protocol``: ``whep`` or ``janus``."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.set_content(_HTML)
    await page.evaluate(_SETUP)
    viewer = LossPage(page, relay)
    async with httpx.AsyncClient(timeout=_PATIENCE) as http:
        end = await (_join_whep if protocol == "whep" else _join_janus)(http, url, viewer)
        try:
            yield viewer
        finally:
            await end()
            await context.close()


async def _join_whep(http: httpx.AsyncClient, url: str, viewer: LossPage) -> Any:
    sdp = {"content-type": "application/sdp"}
    answer = await http.post(url, content=await viewer.offer(), headers=sdp)
    if answer.status_code != 201:
        raise RuntimeError(f"{url}: {answer.status_code} {answer.text[:500]}")
    await viewer.accept(answer.text)
    resource = urljoin(url, answer.headers["location"])
    return lambda: http.delete(resource)


async def _join_janus(http: httpx.AsyncClient, url: str, viewer: LossPage) -> Any:
    parts = urlsplit(url)
    base = f"http://{parts.netloc}{parts.path}"
    stream = int(parse_qs(parts.query)["stream"][0])

    async def say(to: str, body: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps(body | {"transaction": f"{random.getrandbits(48):x}"})
        answer: dict[str, Any] = (await http.post(to, content=content)).json()
        if answer["janus"] not in ("success", "ack"):
            raise RuntimeError(f"Janus: {answer}")
        return answer

    session = f"{base}/{(await say(base, {'janus': 'create'}))['data']['id']}"
    attach = {"janus": "attach", "plugin": "janus.plugin.streaming"}
    handle = f"{session}/{(await say(session, attach))['data']['id']}"
    await say(handle, {"janus": "message", "body": {"request": "watch", "id": stream}})
    event: dict[str, Any] = {}
    while event.get("jsep", {}).get("type") != "offer":
        event = (await http.get(f"{session}?maxev=1")).json()
    jsep = {"type": "answer", "sdp": await viewer.answer(event["jsep"]["sdp"])}
    await say(handle, {"janus": "message", "body": {"request": "start"}, "jsep": jsep})
    return lambda: say(session, {"janus": "destroy"})


def without_candidates(description: str) -> str:
    """A browser's description as if it had no address."""
    lines = description.splitlines()
    return "\r\n".join(line for line in lines if not line.startswith("a=candidate:")) + "\r\n"
