"""Real Chromium: it plays what we send (WHEP), and we understand what it sends (WHIP)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.async_api import Page, async_playwright

from gamecast.media.codecs.nal import from_annexb
from gamecast.media.payloads.formats import make_depacketizer
from gamecast.media.payloads.h264 import H264Packetizer
from gamecast.media.track import Codec
from gamecast.protocols.webrtc.answer import OutgoingStream, answer_play, answer_publish
from gamecast.protocols.webrtc.batch import HeaderLine, make_batches
from gamecast.protocols.webrtc.capabilities import PLAYOUT_DELAY
from gamecast.protocols.webrtc.events import Closed, Connected, Event, RtcpReceived, RtpReceived
from gamecast.protocols.webrtc.rtcp import ReceiverReport, SenderReport, SourceDescription
from gamecast.protocols.webrtc.rtcp_feedback import PictureLossIndication
from gamecast.protocols.webrtc.rtp import RtpPacket, build_extensions
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.session import Session
from tests.protocols.webrtc.driver import RtcServer, http_server

CHROMIUM = "/usr/bin/chromium"
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not installed"),
]
FPS = 30
VIDEO_SSRC, AUDIO_SSRC = 0x11223344, 0x55667788

PLAY = """async (url) => {
  const pc = new RTCPeerConnection();
  pc.addTransceiver('video', {direction: 'recvonly'});
  pc.addTransceiver('audio', {direction: 'recvonly'});
  const video = document.createElement('video');
  video.muted = true; video.autoplay = true; document.body.append(video);
  const stream = new MediaStream(); video.srcObject = stream;
  pc.ontrack = (event) => stream.addTrack(event.track);
  await pc.setLocalDescription();
  const answer = await (await fetch(url, {method: 'POST', body: pc.localDescription.sdp})).text();
  await pc.setRemoteDescription({type: 'answer', sdp: answer});
  window.pc = pc; window.video = video;
}"""
STATS = """async () => {
  const found = {state: pc.connectionState, time: video.currentTime, width: video.videoWidth};
  for (const report of (await pc.getStats()).values()) {
    if (report.type === 'inbound-rtp') found[report.kind] = report;
    if (report.type === 'transport') found.transport = report;
  }
  return found;
}"""
PUBLISH = """async (url) => {
  const canvas = document.createElement('canvas'); canvas.width = 320; canvas.height = 240;
  const context = canvas.getContext('2d'); let n = 0;
  const paint = () => {
    context.fillStyle = `hsl(${n++ * 7},90%,50%)`;
    context.fillRect(0, 0, 320, 240);
  };
  setInterval(paint, 33);
  const audio = new AudioContext(), tone = audio.createOscillator();
  const sink = audio.createMediaStreamDestination(); tone.connect(sink); tone.start();
  const pc = new RTCPeerConnection();
  pc.addTransceiver(canvas.captureStream(30).getVideoTracks()[0], {direction: 'sendonly'});
  pc.addTransceiver(sink.stream.getAudioTracks()[0], {direction: 'sendonly'});
  await pc.setLocalDescription();
  const answer = await (await fetch(url, {method: 'POST', body: pc.localDescription.sdp})).text();
  await pc.setRemoteDescription({type: 'answer', sdp: answer});
  window.pc = pc;
}"""


def _clip(seconds: int, profile: str) -> list[bytes]:
    """H.264 access units without B-frames, one keyframe a second."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 640, 360, "yuv420p"
    context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS)
    context.bit_rate, context.gop_size = 1_500_000, FPS
    context.profile = profile
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "bf": "0"}
    units: list[bytes] = []
    noise = np.random.default_rng(3).integers(0, 60, (360, 640, 3), dtype=np.uint8)
    for index in range(seconds * FPS):
        picture = np.roll(noise, index * 4, axis=1) + index % 120
        frame = av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        units += [from_annexb(bytes(packet)) for packet in context.encode(frame)]
    return units


def _opus() -> list[bytes]:
    """One second of a tone in 20 ms packets."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = 48_000, "stereo", "s16"
    packets: list[bytes] = []
    wave = (np.sin(np.arange(48_000) * 440 * 2 * np.pi / 48_000) * 8000).astype(np.int16)
    for start in range(0, 48_000, 960):
        samples = np.repeat(wave[start : start + 960], 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, start
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets


class Broadcast:
    """Sends the clip to every connected session in real time, from its first keyframe."""

    def __init__(self, server: RtcServer, agreed: dict[str, Any]) -> None:
        self._server = server
        self._lines = {}
        for kind, media in agreed.items():
            ssrc = VIDEO_SSRC if kind == "video" else AUDIO_SSRC
            block = b""
            if PLAYOUT_DELAY in media.extensions:
                block = build_extensions({media.extensions[PLAYOUT_DELAY]: bytes(3)})
            self._lines[kind] = HeaderLine(
                ssrc=ssrc, payload_type=media.payload_type, extension_block=block
            )
        self._sequence = {"video": 65_400, "audio": 12}
        self._timestamp = {"video": 0xFFFFF000, "audio": 5}

    async def run(self, session: Session, units: list[bytes], tones: list[bytes]) -> None:
        packetizer = H264Packetizer(mtu=1200)
        started = time.monotonic()
        for index, unit in enumerate(units):
            self._send(session, "video", packetizer.packetize(unit), index * 90_000 // FPS)
            for tone in range(index * 50 // FPS, (index + 1) * 50 // FPS):
                self._send(session, "audio", [tones[tone % len(tones)]], tone * 960)
            if index % FPS == 0:
                self._report(session, index)
            await asyncio.sleep(max(0.0, started + (index + 1) / FPS - time.monotonic()))

    def _send(self, session: Session, kind: str, payloads: list[bytes], ticks: int) -> None:
        if kind not in self._lines or session.sender is None or session.selected is None:
            return
        batches = make_batches(
            payloads,
            self._lines[kind],
            first_sequence=self._sequence[kind],
            timestamp=self._timestamp[kind] + ticks,
        )
        self._sequence[kind] += len(payloads)
        for batch in batches:
            sealed = session.sender.seal(batch)
            size = batch.segment_size(session.sender.overhead)
            self._server.send(sealed, size, session.selected)

    def _report(self, session: Session, index: int) -> None:
        seconds = 3_900_000_000 + index / FPS
        ntp = int(seconds * (1 << 32))
        cnames = SourceDescription({VIDEO_SSRC: "gamecast", AUDIO_SSRC: "gamecast"})
        video = self._timestamp["video"] + index * 90_000 // FPS & 0xFFFFFFFF
        audio = self._timestamp["audio"] + index * 48_000 // FPS & 0xFFFFFFFF
        session.send_rtcp([SenderReport(VIDEO_SSRC, ntp, video, index, index), cnames])
        session.send_rtcp([SenderReport(AUDIO_SSRC, ntp, audio, index, index), cnames])
        self._server.flush(session)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield await browser.new_page()
        await browser.close()


@pytest.mark.parametrize(
    ("profile", "profile_level_id"), [("Baseline", "42c01f"), ("High", "64001f")]
)
async def test_chromium_plays_h264_and_opus(
    page: Page, profile: str, profile_level_id: str
) -> None:
    units, tones = _clip(6, profile), _opus()
    events: list[Event] = []
    connected = asyncio.get_running_loop().create_future()
    agreed: dict[str, Any] = {}

    def on_event(session: Session, event: Event) -> None:
        events.append(event)
        if isinstance(event, Connected):
            connected.set_result(session)

    async with RtcServer(on_event) as server:

        async def handle(method: str, path: str, body: str) -> tuple[int, str, str]:
            if method == "GET":
                return 200, "text/html", "<!doctype html><title>play</title><body>"
            local = server.local()
            streams = [
                OutgoingStream(
                    kind="video",
                    codec="h264",
                    parameters={"profile-level-id": profile_level_id},
                    ssrc=VIDEO_SSRC,
                    rtx_ssrc=VIDEO_SSRC + 1,
                ),
                OutgoingStream(kind="audio", codec="opus", ssrc=AUDIO_SSRC),
            ]
            agreement = answer_play(parse_sdp(body), local, streams, session_id=1)
            agreed.update({media.kind: media for media in agreement.media})
            server.open(local, agreement)
            return 201, "application/sdp", str(agreement.answer)

        async with http_server(handle) as url:
            await page.goto(url)
            await page.evaluate(PLAY, f"{url}/whep")
            session = await asyncio.wait_for(connected, 10)
            await Broadcast(server, agreed).run(session, units, tones)
            stats = await page.evaluate(STATS)
            await page.evaluate("() => pc.close()")

    assert stats["state"] == "connected"
    assert stats["width"] == 640
    assert stats["time"] > 4.0
    assert stats["transport"]["srtpCipher"] == "SRTP_AEAD_AES_128_GCM"
    video, audio = stats["video"], stats["audio"]
    assert video["packetsLost"] == 0
    assert video["framesDecoded"] >= 0.95 * len(units)
    assert video["totalFreezesDuration"] < 0.5
    assert video["pliCount"] == 0
    assert audio["packetsLost"] == 0
    assert audio["packetsReceived"] > 280
    reports = [p for e in events if isinstance(e, RtcpReceived) for p in e.packets]
    assert any(isinstance(p, ReceiverReport) and p.reports for p in reports)


async def test_chromium_publishes_h264_and_opus(page: Page) -> None:
    enough, ended = asyncio.Event(), asyncio.Event()
    sessions: list[Session] = []
    media: dict[int, Any] = {}
    depacketizers = {"h264": make_depacketizer(Codec.H264), "opus": make_depacketizer(Codec.OPUS)}
    units: dict[str, list[bytes]] = {"h264": [], "opus": []}
    closed: list[Closed] = []

    def on_event(session: Session, event: Event) -> None:
        if isinstance(event, Closed):
            closed.append(event)
            ended.set()
        for packet in event.packets if isinstance(event, RtpReceived) else []:
            if packet.payload_type in media:
                take(session, packet)

    def take(session: Session, packet: RtpPacket) -> None:
        codec = media[packet.payload_type].codec
        got = depacketizers[codec].write(
            packet.payload, timestamp=packet.timestamp, marker=packet.marker
        )
        units[codec] += [unit.data for unit in got]
        if codec == "h264" and len(units["h264"]) == 30:
            session.send_rtcp([PictureLossIndication(1, packet.ssrc)])
            server.flush(session)
        if min(map(len, units.values())) >= 90:
            enough.set()

    async with RtcServer(on_event) as server:

        async def handle(method: str, path: str, body: str) -> tuple[int, str, str]:
            if method == "GET":
                return 200, "text/html", "<!doctype html><title>publish</title><body>"
            local = server.local()
            agreement = answer_publish(parse_sdp(body), local, session_id=1)
            media.update({each.payload_type: each for each in agreement.media})
            sessions.append(server.open(local, agreement))
            return 201, "application/sdp", str(agreement.answer)

        async with http_server(handle) as url:
            await page.goto(url)
            await page.evaluate(PUBLISH, f"{url}/whip")
            await asyncio.wait_for(enough.wait(), 30)
            await page.evaluate("() => pc.close()")
            await asyncio.wait_for(ended.wait(), 10)

    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    start_code = bytes((0, 0, 0, 1))
    keyframes = [u for u in units["h264"] if len(u) > 4 and u[4] & 31 == 7]
    assert len(keyframes) >= 2, "the PLI was answered with a keyframe"
    pictures: list[av.VideoFrame] = []
    for unit in units["h264"]:
        pictures += decoder.decode(av.Packet(start_code + _annexb_body(unit)))
    assert len(pictures) >= 85
    assert {(p.width, p.height) for p in pictures} == {(320, 240)}
    assert closed == [Closed("closed by the peer")]
    assert sessions[0].receiver is not None
    assert sessions[0].receiver.dropped.total() == 0


def _annexb_body(unit: bytes) -> bytes:
    parts, offset = [], 0
    while offset < len(unit):
        size = int.from_bytes(unit[offset : offset + 4], "big")
        parts.append(unit[offset + 4 : offset + 4 + size])
        offset += 4 + size
    return bytes((0, 0, 0, 1)).join(parts)
