"""A client's media to a real receiver, over paths that lose packets or are too narrow."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from gamecast.protocols.webrtc.answer import AgreedMedia, OutgoingStream
from gamecast.protocols.webrtc.capabilities import ABS_SEND_TIME, MID, TRANSPORT_CC
from gamecast.protocols.webrtc.media_receiver import MediaReceiver
from gamecast.protocols.webrtc.media_sender import MediaSender
from gamecast.protocols.webrtc.pacer import DEPTH, Pacer
from gamecast.protocols.webrtc.rtcp import Goodbye, SenderReport, SourceDescription, parse_rtcp
from gamecast.protocols.webrtc.rtcp_feedback import GenericNack, PictureLossIndication
from gamecast.protocols.webrtc.rtp import RtpPacket, parse_rtp

SSRC, RTX_SSRC, AUDIO_SSRC = 5, 6, 7
WALL = 1_800_000_000.0


def media(*, rtx: bool = True, transport_cc: bool = True) -> list[AgreedMedia]:
    extensions = {MID: 1, ABS_SEND_TIME: 2} | ({TRANSPORT_CC: 3} if transport_cc else {})
    feedback = ["nack", "nack pli", *(["transport-cc"] if transport_cc else [])]
    video = AgreedMedia(
        mid="0",
        kind="video",
        codec="h264",
        payload_type=96,
        clock_rate=90_000,
        rtx_payload_type=97 if rtx else None,
        extensions=extensions,
        feedback=feedback,
        ssrcs=[SSRC],
        rtx_of={RTX_SSRC: SSRC} if rtx else {},
    )
    audio = AgreedMedia(
        mid="1",
        kind="audio",
        codec="opus",
        payload_type=111,
        clock_rate=48_000,
        rtx_payload_type=None,
        extensions=extensions,
        feedback=[],
        ssrcs=[AUDIO_SSRC],
    )
    return [video, audio]


STREAMS = [
    OutgoingStream(kind="video", codec="h264", ssrc=SSRC, rtx_ssrc=RTX_SSRC),
    OutgoingStream(kind="audio", codec="opus", ssrc=AUDIO_SSRC),
]


class Path:
    """30 pictures a second of ``bitrate`` through a queue that drains at ``capacity``."""

    def __init__(
        self,
        *,
        bitrate: int = 2_000_000,
        capacity: float = 1e9,
        loss: float = 0.0,
        agreed: list[AgreedMedia] | None = None,
    ) -> None:
        self.now = 100.0
        self.bitrate = bitrate
        self.capacity = capacity
        self.loss = loss
        self.got: list[RtpPacket] = []
        self.datagrams: list[bytes] = []
        self.keyframes = 0
        self.worst_queue = 0.0
        self._random = random.Random(3)
        agreed = agreed or media()
        self.sender = MediaSender(
            agreed, STREAMS, bitrate=bitrate, random=lambda count: bytes(range(1, count + 1))
        )
        self.receiver = MediaReceiver(agreed, ssrc=1, now=self.now)
        self._free_at = self.now
        self._to_them: list[tuple[float, bytes]] = []
        self._to_us: list[tuple[float, bytes]] = []
        self._pictures = 0

    @property
    def wall(self) -> float:
        return WALL + self.now

    def run(self, seconds: float, *, adapt: Callable[[float], int] | None = None) -> None:
        begin, frames = self.now, 0
        while self.now < begin + seconds:
            if self.now >= begin + frames / 30:
                frames += 1
                if adapt is not None:
                    self.bitrate = adapt(self.sender.estimator.bitrate)
                self._picture()
            self._step()
            self.now += 0.002

    def _picture(self) -> None:
        count = max(1, self.bitrate // 8 // 30 // 1000)
        payloads = [self._pictures.to_bytes(4, "big") + bytes(996)] * count
        at = self._pictures / 30
        self.sender.write(
            "video", payloads, timestamp=self._pictures * 3000, seconds=at, wall=self.wall
        )
        self.sender.write(
            "audio", [bytes(100)], timestamp=self._pictures * 1600, seconds=at, wall=self.wall
        )
        self._pictures += 1

    def _step(self) -> None:
        for header, payload in self.sender.packets_to_send(self.now, self.wall):
            data = header + payload
            self.datagrams.append(data)
            self._free_at = max(self._free_at, self.now) + len(data) * 8 / self.capacity
            self.worst_queue = max(self.worst_queue, self._free_at - self.now)
            if self._random.random() >= self.loss:
                self._to_them.append((self._free_at + 0.01, data))
        reports = self.sender.reports_to_send(self.now, self.wall)
        if reports:
            self.receiver.receive_rtcp(reports, self.now)
        for data in _due(self._to_them, self.now):
            ready = self.receiver.receive_rtp([parse_rtp(data)], self.now)
            self.got += [packet for group in ready for run in group.runs for packet in run.packets]
        for group in self.receiver.handle_timer(self.now):
            self.got += [packet for run in group.runs for packet in run.packets]
        rtcp = self.receiver.rtcp_to_send(self.now)
        if rtcp:
            self._to_us.append((self.now + 0.01, b"".join(each.to_bytes() for each in rtcp)))
        for data in _due(self._to_us, self.now):
            self.keyframes += self.sender.receive_rtcp(parse_rtcp(data), self.now, self.wall)

    def sequences(self, ssrc: int) -> list[int]:
        return [packet.sequence for packet in self.got if packet.ssrc == ssrc]


def _due(queue: list[tuple[float, bytes]], now: float) -> list[bytes]:
    due = [data for at, data in queue if at <= now]
    queue[:] = [each for each in queue if each[0] > now]
    return due


def _unbroken(sequences: list[int]) -> bool:
    return all(b - a & 0xFFFF == 1 for a, b in pairwise(sequences))


def test_everything_arrives_in_order_and_round_trips_are_known() -> None:
    path = Path()
    path.run(3)
    assert _unbroken(path.sequences(SSRC))
    assert len(path.sequences(AUDIO_SSRC)) >= 88
    marked = [packet for packet in path.got if packet.ssrc == SSRC and packet.marker]
    assert len(marked) >= 88
    assert path.sender.statistics.rtt == pytest.approx(0.01, abs=0.005)
    assert path.sender.statistics.packets_lost == 0
    assert path.sender.estimator.bitrate >= path.bitrate
    numbers = [int.from_bytes(parse_rtp(data).extensions[3], "big") for data in path.datagrams]
    assert numbers == list(range(len(numbers))), "one numbering for the whole transport"


@pytest.mark.parametrize("rtx", [True, False])
def test_lost_packets_are_repeated(rtx: bool) -> None:
    path = Path(loss=0.03, agreed=media(rtx=rtx))
    path.run(4)
    got = path.sequences(SSRC)
    assert _unbroken(got), "every hole was filled in time"
    assert path.sender.statistics.packets_repeated > 10
    repeated = [data for data in path.datagrams if parse_rtp(data).ssrc == RTX_SSRC]
    assert bool(repeated) is rtx
    if not rtx:
        by_sequence: dict[bytes, bytes] = {}
        for data in path.datagrams:
            if parse_rtp(data).ssrc == SSRC:
                # The same nonce for other bytes would give the key away.
                assert by_sequence.setdefault(data[2:4], data) == data


@pytest.mark.parametrize("transport_cc", [True, False])
def test_the_estimate_follows_a_narrow_path_down(transport_cc: bool) -> None:
    path = Path(bitrate=3_000_000, agreed=media(transport_cc=transport_cc))
    path.run(2)
    assert path.sender.estimator.bitrate > 2_900_000
    if transport_cc:
        path.capacity = 1_000_000
        path.run(10, adapt=lambda estimate: int(min(3_000_000, estimate * 0.9)))
        assert 300_000 < path.sender.estimator.bitrate < 1_500_000
        path.worst_queue = 0.0
        path.run(3, adapt=lambda estimate: int(min(3_000_000, estimate * 0.9)))
        assert path.worst_queue < 0.5
        path.capacity = 1e9
        path.run(20, adapt=lambda estimate: int(min(3_000_000, estimate * 0.9)))
        assert path.sender.estimator.bitrate > 2_500_000
    else:
        path.loss = 0.3
        path.run(8)
        assert path.sender.estimator.bitrate < 2_500_000


def test_what_the_path_cannot_take_waits_at_the_sender() -> None:
    path = Path(bitrate=3_000_000, capacity=1_000_000)
    path.run(12)  # an encoder that does not adapt
    assert path.sender.wait() > 1.0
    assert path.worst_queue < 2.0


def test_over_tcp_delay_says_nothing_but_what_it_cannot_take_waits_all_the_same() -> None:
    path = Path(bitrate=3_000_000)
    path.run(1)
    path.sender.over_tcp = True
    before = path.sender.estimator.bitrate
    path.capacity = 1_000_000
    path.run(6)
    assert path.sender.estimator.bitrate == before
    assert path.sender.wait() > 0.5


def test_wishes_for_keyframes_are_passed_on() -> None:
    sender = Path().sender
    assert sender.receive_rtcp([PictureLossIndication(1, SSRC)], 1.0, WALL)
    assert not sender.receive_rtcp([GenericNack(1, SSRC, [1, 2])], 1.0, WALL)
    assert sender.statistics.keyframes_asked == 1


def test_reports_put_both_sources_on_one_clock() -> None:
    path = Path()
    path.run(1.5)
    path.sender.next_timer()
    reports = path.sender.reports_to_send(path.now + 2, path.wall + 2)
    senders = [each for each in reports if isinstance(each, SenderReport)]
    assert [each.ssrc for each in senders] == [SSRC, AUDIO_SSRC]
    assert isinstance(reports[-1], SourceDescription)
    # Both streams are at 3.5 s at that moment, give or take the first picture's step.
    offset = int.from_bytes(bytes([1, 2, 3, 4]), "big")
    for report, rate in zip(senders, (90_000, 48_000), strict=True):
        assert (report.rtp_timestamp - offset) / rate == pytest.approx(3.5, abs=0.01)
    assert isinstance(path.sender.goodbye()[-1], Goodbye)


def test_a_burst_is_spread_and_the_long_run_is_bounded() -> None:
    pacer = Pacer(1_000_000)
    for _ in range(300):
        pacer.push(bytes(12), bytes(1188))
    first = len(pacer.pop_due(0.0))
    assert 1 <= first <= 3
    sent, now = first, 0.0
    while now < 2.0:
        at = pacer.next_timer()
        assert at is not None
        assert at > now
        now = at
        sent += len(pacer.pop_due(now))
    allowed = 1_000_000 / 8 * (DEPTH + 2.0) / 1200
    assert allowed * 0.9 < sent <= allowed + 2
    assert pacer.backlog == (300 - sent) * 1200
    assert len(pacer.pop_all()) == 300 - sent
    assert pacer.next_timer() is None
