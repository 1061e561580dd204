"""A browser that publishes three layers, and stops the largest: the picture goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Page

from tests.support.browser import chromium, new_context
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer
from tests.web.watching import until, until_moving

pytestmark = [pytest.mark.interop, pytest.mark.timeout(240)]

LAYERS = {"q": 134, "h": 270, "f": 540}
"""Heights. Chromium sends three layers of pictures that are not smaller than this."""

PUBLISH = """async (url) => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 960, height: 540});
  const pen = canvas.getContext('2d');
  const noise = pen.createImageData(100, 100);
  setInterval(() => {  // so that there is something to send: estimates grow with what is sent
    crypto.getRandomValues(noise.data);
    noise.data.forEach((_, at) => { if (at % 4 === 3) noise.data[at] = 255; });
    pen.putImageData(noise, Math.random() * 860, Math.random() * 440);
  }, 33);
  const pc = globalThis.pc = new RTCPeerConnection();
  const video = pc.addTransceiver(canvas.captureStream(30).getVideoTracks()[0], {
    direction: 'sendonly',
    sendEncodings: [
      {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 200_000},
      {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000},
      {rid: 'f', maxBitrate: 1_500_000},
    ],
  });
  const codecs = RTCRtpSender.getCapabilities('video').codecs;
  video.setCodecPreferences(codecs.filter(({mimeType}) => mimeType === 'video/H264'));
  // On a busy machine smaller pictures would be smaller layers.
  const parameters = video.sender.getParameters();
  parameters.degradationPreference = 'maintain-resolution';
  await video.sender.setParameters(parameters);
  await pc.setLocalDescription();
  const headers = {'content-type': 'application/sdp'};
  const body = pc.localDescription.sdp;
  const answer = await fetch(url, {method: 'POST', headers, body});
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
}"""

SWITCH = """async ([rid, active]) => {
  const [sender] = pc.getSenders();
  const parameters = sender.getParameters();
  parameters.encodings.find((each) => each.rid === rid).active = active;
  await sender.setParameters(parameters);
}"""

SEES = "height => document.querySelector('video').videoHeight === height"


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of Chromium's."""
    async with chromium() as browser:
        yield await (await new_context(browser)).new_page()


async def test_the_largest_layer_that_comes_is_watched(
    page: Page, open_server: GamecastServer, new_name: Callable[[], str]
) -> None:
    name = new_name()
    await page.goto(f"{open_server.http}/healthz")
    await page.evaluate(PUBLISH, f"{open_server.http}/live/{name}/whip")
    open_server.wait_on_air(name)
    viewer = await page.context.new_page()
    await viewer.goto(f"{open_server.http}/{name}")
    await until(viewer, SEES, LAYERS["f"])
    for rid, active, height in (("f", False, "h"), ("h", False, "q"), ("f", True, "f")):
        await page.evaluate(SWITCH, [rid, active])
        await until(viewer, SEES, LAYERS[height])
        await until_moving(viewer)
    await asyncio.to_thread(
        wait_until, lambda: heights(open_server, name) == {LAYERS["q"], LAYERS["f"]}, "h gone"
    )


def heights(server: GamecastServer, name: str) -> set[int]:
    """Of the layers that are tracks, be they watched or kept."""
    stream = server.stream(name)
    return {track["height"] for track in stream["tracks"]} if stream else set()
