"""What is large leaves at a rate that a home router survives, to newcomers and to all."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gamecast.media.packet import Packet
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.answer import AgreedMedia, OutgoingStream
from gamecast.protocols.webrtc.session import Session
from gamecast.protocols.webrtc.srtp import SrtpSender
from gamecast.protocols.webrtc.srtp_keys import SrtpKeys, SrtpProfile
from gamecast.relay.directory import Directory
from gamecast.relay.pace import Pace
from gamecast.relay.stream import Clocks, StreamLimits
from gamecast.server.webrtc.rendition import VIDEO_SSRC, RtpRendition
from gamecast.server.webrtc.variant import Variant
from gamecast.server.webrtc.viewer import WhepViewer
from tests.relay.test_stream import FakePublisher
from tests.support.clock import FakeClock
from tests.support.media import h264_track

KEYFRAME = 600_000
RATE = 60_000_000 / 8
BATCH = 64_000
TICK = 0.005


class Recorder:
    """A viewer's session and its way, which take down what left when."""

    is_connected = True

    def __init__(self) -> None:
        keys = SrtpKeys.from_exporter(bytes(56), SrtpProfile.AEAD_AES_128_GCM, is_client=False)
        self.sender = SrtpSender(keys)
        self.selected = ("::1", 9)
        self.agent = SimpleNamespace(selected=self.selected)
        self.sent: list[tuple[float, int]] = []
        self.whole = asyncio.Event()

    def send_rtcp(self, packets: list[Any]) -> None:
        """Reports are small."""

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        return []

    def send_segments(self, data: bytes, size: int, address: Address) -> None:
        self.sent.append((asyncio.get_running_loop().time(), len(data)))
        if sum(size for _, size in self.sent) > KEYFRAME:
            self.whole.set()

    def backlog(self) -> int:
        return 0


def viewer_of(recorder: Recorder) -> WhepViewer:
    media = AgreedMedia(
        mid="0", kind="video", codec="", payload_type=96, clock_rate=90_000,
        rtx_payload_type=None, extensions={}, feedback=[],
        stream=OutgoingStream(kind="video", codec="", ssrc=VIDEO_SSRC),
    )  # fmt: skip
    viewer = WhepViewer(
        session=cast(Session, recorder),
        variant=Variant.of([media]),
        address="",
        since=0.0,
        end=lambda reason: None,
    )
    viewer.socket = cast(Any, recorder)
    return viewer


@pytest.mark.parametrize(
    ("is_there_before", "rate"), [(True, 2 * RATE), (False, RATE)], ids=["live", "joining"]
)
async def test_a_keyframe_leaves_no_faster_than_the_pace(
    is_there_before: bool, rate: float
) -> None:
    clock = FakeClock()
    directory = Directory(clocks=Clocks(monotonic=clock, wall=clock), limits=StreamLimits())
    ingest = directory.publish("main", title="", publisher=FakePublisher())
    track = h264_track()
    ingest.write(Packet(track, 0, 0, b"\0\0\0\1\x65", keyframe=True, wall=clock()))
    rendition = RtpRendition(directory.all()[0], [track], [], pace=Pace())
    recorder = Recorder()
    if is_there_before:
        rendition.join(viewer_of(recorder))
    began = asyncio.get_running_loop().time()
    body = KEYFRAME.to_bytes(4, "big") + b"\x65" + bytes(KEYFRAME - 1)
    rendition.write(Packet(track, 0, 0, body, keyframe=True, wall=clock()))
    if not is_there_before:
        rendition.join(viewer_of(recorder))
    await asyncio.wait_for(recorder.whole.wait(), 10)
    total = 0
    for at, size in recorder.sent:
        total += size
        assert total <= rate * (at - began + TICK) + BATCH
    assert len(recorder.sent) > KEYFRAME / BATCH
