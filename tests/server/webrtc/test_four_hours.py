"""Four hours of media under a fake clock: no drift, and rollovers that every viewer follows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from gamecast.media.codecs import audio_track
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.answer import AgreedMedia, OutgoingStream
from gamecast.protocols.webrtc.rtcp import RtcpPacket, SenderReport
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.session import Session
from gamecast.protocols.webrtc.srtp import SrtpReceiver, SrtpSender
from gamecast.protocols.webrtc.srtp_keys import SrtpKeys, SrtpProfile
from gamecast.relay.directory import Directory
from gamecast.relay.pace import Pace
from gamecast.relay.stream import Clocks, StreamLimits
from gamecast.server.webrtc.rendition import AUDIO_SSRC, VIDEO_SSRC, RtpRendition
from gamecast.server.webrtc.variant import Variant
from gamecast.server.webrtc.viewer import WhepViewer
from tests.relay.test_stream import FakePublisher
from tests.support.clock import FakeClock
from tests.support.media import h264_track

HOURS = 4
FPS = 1
PACKETS = 40
"""In a picture: the sequence wraps every 27 minutes."""
SOUND_MS = 250
OPUS_HEAD = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
LOOK_EVERY = 53
"""A viewer opens one send of so many: often enough to follow the rollovers."""


@dataclass(slots=True, eq=False)
class Watcher:
    """One viewer's end: opens a sample of what it is sent, takes down every sender report."""

    seed: int
    agent: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(selected=("::1", 9)))
    sender: SrtpSender = field(init=False)
    is_connected: bool = True
    opened: list[RtpPacket] = field(default_factory=list)
    reports: list[SenderReport] = field(default_factory=list)
    lost: int = 0
    _receiver: SrtpReceiver = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        material, profile = bytes([self.seed]) * 56, SrtpProfile.AEAD_AES_128_GCM
        self.sender = SrtpSender(SrtpKeys.from_exporter(material, profile, is_client=False))
        self._receiver = SrtpReceiver(SrtpKeys.from_exporter(material, profile, is_client=True))

    # Session and path ---------------------------------------------------------------------------

    def send_rtcp(self, packets: list[RtcpPacket]) -> None:
        self.reports += [packet for packet in packets if isinstance(packet, SenderReport)]

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        return []

    def send_segments(self, data: memoryview, size: int, address: Address) -> None:
        self._count += 1
        if self._count % LOOK_EVERY == 1:
            plain = self._receiver.unprotect(bytes(data[:size]))
            self.lost += plain is None
            if plain is not None:
                self.opened.append(plain)

    def backlog(self) -> int:
        return 0


async def join(rendition: RtpRendition, seed: int) -> Watcher:
    """A viewer joins now, and has the group that is under way."""
    watcher = Watcher(seed)
    media = [
        AgreedMedia(
            mid=kind, kind=kind, codec="", payload_type=96 + number, clock_rate=rate,
            rtx_payload_type=None, extensions={}, feedback=[],
            stream=OutgoingStream(kind=kind, codec="", ssrc=ssrc),
        )
        for number, (kind, rate, ssrc) in enumerate(
            [("video", 90_000, VIDEO_SSRC), ("audio", 48_000, AUDIO_SSRC)]
        )
    ]  # fmt: skip
    viewer = WhepViewer(
        session=cast(Session, watcher),
        variant=Variant.of(media),
        address="",
        since=0.0,
        end=lambda reason: None,
    )
    viewer.socket = cast(Any, watcher)
    rendition.join(viewer)
    while viewer.queue:  # noqa: ASYNC110  # the pacer tells nobody
        await asyncio.sleep(0.001)
    return watcher


async def test_four_hours_drift_nowhere_and_roll_over_for_everyone() -> None:
    clock = FakeClock(1_700_000_000.0)
    directory = Directory(clocks=Clocks(monotonic=clock, wall=clock), limits=StreamLimits())
    ingest = directory.publish("main", title="", publisher=FakePublisher())
    picture, sound = h264_track(), audio_track(Codec.OPUS, OPUS_HEAD)
    ingest.write(Packet(picture, 0, 0, b"\0\0\0\1\x65", keyframe=True, wall=clock()))
    stream = directory.all()[0]
    rendition = RtpRendition(stream, [picture, sound], [], pace=Pace())
    body = (PACKETS * 1180).to_bytes(4, "big") + b"\x65" + bytes(PACKETS * 1180 - 1)
    watchers: list[Watcher] = []
    for number in range(HOURS * 3600 * FPS):
        now = number / FPS
        if now in (0.0, 3600.0, HOURS * 3600 - 1500.0):
            watchers.append(await join(rendition, len(watchers)))
        ticks, wall = number * 90_000 // FPS, clock()
        rendition.write(Packet(picture, ticks, ticks, body, keyframe=True, wall=wall))
        for part in range(1000 // FPS // SOUND_MS):
            ticks = int(now * 48_000) + part * 48 * SOUND_MS
            rendition.write(
                Packet(sound, ticks, ticks, b"\x7cabc", wall=wall + part * SOUND_MS / 1000)
            )
        clock.advance(1 / FPS)
        rendition.tick(clock())
    wraps = rendition.lines[Kind.VIDEO]._sequence >> 16
    assert wraps >= 8
    for watcher in watchers:
        assert watcher.lost == 0
        assert len(watcher.opened) > 50
        assert {packet.ssrc for packet in watcher.opened} == {VIDEO_SSRC, AUDIO_SSRC}
        for report in watcher.reports:
            seconds = report.ntp_time / (1 << 32) - 2_208_988_800 - 1_700_000_000.0
            rate = 90_000 if report.ssrc == VIDEO_SSRC else 48_000
            off = (report.rtp_timestamp - round(seconds * rate) + (1 << 31)) % (1 << 32) - (1 << 31)
            assert abs(off) / rate < 0.26, "within one packet of sound of the true line"
    early, _, late = watchers
    assert len(early.reports) > HOURS * 3600
    assert {_pair(report) for report in late.reports} <= {_pair(r) for r in early.reports}
    rendition.finish("done")


def _pair(report: SenderReport) -> tuple[int, int, int]:
    """What a report says of time: the same to all viewers."""
    return report.ssrc, report.ntp_time, report.rtp_timestamp
