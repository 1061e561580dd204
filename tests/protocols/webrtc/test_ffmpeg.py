"""ffmpeg 9 publishes by WHIP: it wants us to begin DTLS, and speaks AES-CM only."""

from __future__ import annotations

import asyncio

import imageio_ffmpeg
import pytest

from gamecast.media.codecs.h264 import is_keyframe
from gamecast.media.payloads.formats import make_depacketizer
from gamecast.media.track import Codec
from gamecast.protocols.webrtc.answer import AgreedMedia, answer_publish
from gamecast.protocols.webrtc.events import Connected, Event, RtcpReceived, RtpReceived
from gamecast.protocols.webrtc.jitter import JitterBuffer
from gamecast.protocols.webrtc.rtcp import SenderReport
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.session import Session
from gamecast.protocols.webrtc.srtp_keys import SrtpProfile
from tests.protocols.webrtc.driver import RtcServer, http_server

COMMAND = (
    "-hide_banner -loglevel error -re -f lavfi -i testsrc=size=320x240:rate=30"
    " -f lavfi -i sine=frequency=440:sample_rate=48000 -t 4"
    " -c:v libx264 -profile:v baseline -pix_fmt yuv420p -g 30 -tune zerolatency"
    " -c:a libopus -ac 2 -ar 48000 -f whip -authorization key"
)


@pytest.mark.interop
async def test_ffmpeg_publishes_h264_and_opus() -> None:
    media: dict[int, AgreedMedia] = {}
    depacketizers = {"h264": make_depacketizer(Codec.H264), "opus": make_depacketizer(Codec.OPUS)}
    buffers: dict[int, JitterBuffer] = {}
    units: dict[str, list[bytes]] = {"h264": [], "opus": []}
    events: list[Event] = []
    deletes: list[str] = []

    def on_event(session: Session, event: Event) -> None:
        events.append(event)
        for packet in event.packets if isinstance(event, RtpReceived) else []:
            if packet.payload_type in media:
                take(packet)

    def take(received: RtpPacket) -> None:
        codec = media[received.payload_type].codec
        buffer = buffers.setdefault(received.ssrc, JitterBuffer())
        for run in buffer.insert([received], 0.0):
            for index, packet in enumerate(run.packets):
                got = depacketizers[codec].write(
                    packet.payload,
                    timestamp=packet.timestamp,
                    marker=packet.marker,
                    lost=index == 0 and run.lost_before > 0,
                )
                units[codec] += [unit.data for unit in got]

    async with RtcServer(on_event) as server:

        async def handle(method: str, path: str, body: str) -> tuple[int, str, str]:
            if method == "DELETE":
                deletes.append(path)
                return 200, "text/plain", ""
            local = server.local()
            agreement = answer_publish(parse_sdp(body), local, session_id=1)
            assert agreement.remote.we_are_dtls_client
            media.update({each.payload_type: each for each in agreement.media})
            server.open(local, agreement)
            return 201, "application/sdp", str(agreement.answer)

        async with http_server(handle) as url:
            process = await asyncio.create_subprocess_exec(
                imageio_ffmpeg.get_ffmpeg_exe(),
                *COMMAND.split(),
                f"{url}/whip",
                stderr=asyncio.subprocess.PIPE,
            )
            _, errors = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 0, errors.decode()
    assert Connected(SrtpProfile.AES128_CM_SHA1_80) in events
    assert len(units["h264"]) >= 110
    assert len(units["opus"]) >= 180
    assert is_keyframe(units["h264"][0])
    assert sum(is_keyframe(unit) for unit in units["h264"]) >= 4
    assert depacketizers["h264"].dropped == 0
    assert deletes == ["/session"]
    packets = [p for e in events if isinstance(e, RtcpReceived) for p in e.packets]
    assert all(not isinstance(p, SenderReport) or p.ntp_time for p in packets)
