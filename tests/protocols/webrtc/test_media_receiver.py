"""A publisher's media over a path that loses, delays and reorders; in virtual time."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc.answer import AgreedMedia, answer_publish
from gamecast.protocols.webrtc.batch import HeaderLine, make_batches
from gamecast.protocols.webrtc.capabilities import MID, REPAIRED_RID, RID, TRANSPORT_CC
from gamecast.protocols.webrtc.media_receiver import MediaReceiver, PacketsReady
from gamecast.protocols.webrtc.rtcp import (
    ReceiverReport,
    RtcpPacket,
    SenderReport,
    parse_rtcp,
)
from gamecast.protocols.webrtc.rtcp_feedback import (
    FullIntraRequest,
    GenericNack,
    PictureLossIndication,
)
from gamecast.protocols.webrtc.rtp import RtpPacket, parse_rtp
from gamecast.protocols.webrtc.rtx import RetransmissionRing, RtxSender
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.sources import MAX_SOURCES, SourceMap
from gamecast.protocols.webrtc.twcc import TransportFeedback
from tests.protocols.webrtc.test_answer import _local
from tests.protocols.webrtc.test_sdp import offer_text

SSRC, RTX_SSRC = 5, 6


def _media(*, mid: str = "0", kind: str = "video", number: int = 96, **more: object) -> AgreedMedia:
    media = AgreedMedia(
        mid=mid,
        kind=kind,
        codec="h264",
        payload_type=number,
        clock_rate=90_000,
        rtx_payload_type=number + 1,
        extensions={MID: 1, RID: 2, REPAIRED_RID: 3, TRANSPORT_CC: 4},
        feedback=["nack", "nack pli", "transport-cc"],
    )
    for name, value in more.items():
        setattr(media, name, value)
    return media


class Path:
    """A publisher of 60 frames a second behind 20 ms of lossy, reordering path each way."""

    def __init__(self, *, loss: float, seed: int = 1) -> None:
        self.loss = loss
        self.now = 0.0
        self.got: list[RtpPacket] = []
        self.lost = 0
        self.keyframes_asked = 0
        self.reports: list[ReceiverReport] = []
        self.feedbacks: list[TransportFeedback] = []
        self._random = random.Random(seed)
        self._ring = RetransmissionRing()
        self._rtx = RtxSender(ssrc=RTX_SSRC, payload_type=97, max_rate=1e6)
        media = _media(ssrcs=[SSRC], rtx_of={RTX_SSRC: SSRC})
        self.receiver = MediaReceiver([media], ssrc=1, now=0.0)
        self._to_us: list[tuple[float, int, bytes]] = []
        self._to_them: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._sequence = 65_000

    @property
    def sent(self) -> int:
        """Packets that the publisher made."""
        return self._sequence - 65_000

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self._publish_frame()
            frame_end = self.now + 1 / 60
            while self.now < frame_end:
                self.now += 0.002
                self._deliver()

    def _publish_frame(self) -> None:
        payloads = [self._sequence.to_bytes(4, "big") + bytes(600)] * 8
        line = HeaderLine(ssrc=SSRC, payload_type=96)
        for batch in make_batches(
            payloads, line, first_sequence=self._sequence, timestamp=int(self.now * 90_000)
        ):
            self._ring.add(batch, self.now)
            for header, payload in zip(batch.headers, batch.payloads, strict=True):
                self._throw(self._to_us, header + payload)
        self._sequence += len(payloads)

    def _throw(self, queue: list[tuple[float, int, bytes]], data: bytes) -> None:
        self._count += 1
        if self._random.random() >= self.loss:
            queue.append((self.now + 0.02 + self._random.random() * 0.01, self._count, data))

    def _deliver(self) -> None:
        ready = self.receiver.handle_timer(self.now)
        for data in _due(self._to_us, self.now):
            ready += self.receiver.receive_rtp([parse_rtp(data)], self.now)
        for each in ready:
            self.got += [packet for run in each.runs for packet in run.packets]
            self.lost += sum(run.lost_before for run in each.runs)
        rtcp = self.receiver.rtcp_to_send(self.now)
        if rtcp:
            self._throw(self._to_them, b"".join(packet.to_bytes() for packet in rtcp))
        for data in _due(self._to_them, self.now):
            for packet in parse_rtcp(data):
                self._answer(packet)

    def _answer(self, packet: object) -> None:
        if isinstance(packet, GenericNack):
            for sequence in packet.sequences:
                found = self._ring.find(sequence, self.now)
                repeated = self._rtx.repeat(*found, now=self.now) if found else None
                if repeated is not None:
                    self._throw(self._to_us, repeated[0] + repeated[1])
        elif isinstance(packet, PictureLossIndication):
            self.keyframes_asked += 1
        elif isinstance(packet, ReceiverReport):
            self.reports.append(packet)
        elif isinstance(packet, TransportFeedback):
            self.feedbacks.append(packet)


def _due(queue: list[tuple[float, int, bytes]], now: float) -> list[bytes]:
    due = sorted(each for each in queue if each[0] <= now)
    queue[:] = [each for each in queue if each[0] > now]
    return [data for _, _, data in due]


def _in_order(packets: list[RtpPacket]) -> bool:
    steps = {b.sequence - a.sequence & 0xFFFF for a, b in pairwise(packets)}
    return all(step < 1000 for step in steps)


def test_a_clean_path_needs_no_feedback_but_reports() -> None:
    path = Path(loss=0.0)
    path.run(5)
    assert len(path.got) >= path.sent - 16
    assert path.lost == 0
    assert _in_order(path.got)
    assert len(path.reports) >= 4
    assert path.reports[-1].reports[0].fraction_lost <= 2, "packets overtaken at that moment"
    assert path.keyframes_asked == 0


def test_a_tenth_lost_is_recovered_by_retransmission() -> None:
    path = Path(loss=0.1)
    path.run(20)
    assert len(path.got) + path.lost >= path.sent - 200
    assert path.lost <= 8, "of about nine hundred that the path lost"
    assert _in_order(path.got)
    assert 15 <= path.reports[-1].reports[0].fraction_lost <= 40
    assert 0.03 < path.receiver.rtt < 0.1


def test_a_path_that_breaks_and_heals_is_back_within_a_second() -> None:
    path = Path(loss=0.3)
    path.run(10)
    path.loss = 0.0
    path.run(1)
    lost = path.lost
    path.run(2)
    assert path.lost == lost
    assert len(path.got) > 0.9 * path.sent


def test_total_loss_ends_in_few_requests_for_keyframes() -> None:
    path = Path(loss=0.0)
    path.run(1)
    path.loss = 1.0
    path.run(1)
    path.loss = 0.0
    path.run(2)
    assert 1 <= path.keyframes_asked <= 6


@given(st.integers(0, 1 << 32))
@settings(max_examples=30)
def test_bursts_give_what_packets_one_by_one_give(seed: int) -> None:
    """However a lossy, shuffled stream across the wrap is cut into bursts."""
    source = random.Random(seed)
    packets = [
        RtpPacket(96, 65_500 + n & 0xFFFF, n // 7 * 1500, SSRC, bytes([n % 256]), marker=n % 7 == 6)
        for n in range(300)
    ]
    arrivals = [each for each in packets if source.random() > 0.05]
    for _ in range(20):
        at = source.randrange(len(arrivals) - 1)
        arrivals[at], arrivals[at + 1] = arrivals[at + 1], arrivals[at]
    single, burst = (MediaReceiver([_media(ssrcs=[SSRC])], ssrc=1, now=0.0) for _ in "ab")
    outcomes: list[list[object]] = [[], []]
    now = 0.0
    while arrivals or now < 100:
        now += source.random() * 0.02 if arrivals else 100
        count = source.randint(1, 20)
        cut, arrivals = arrivals[:count], arrivals[count:]
        one_by_one = [each for packet in cut for each in single.receive_rtp([packet], now)]
        outcomes[0] += _outcome(single, one_by_one, now)
        outcomes[1] += _outcome(burst, burst.receive_rtp(cut, now) if cut else [], now)
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) > 250


def _outcome(receiver: MediaReceiver, ready: list[PacketsReady], now: float) -> list[object]:
    """Sequences, what is given up before them, and all RTCP."""
    runs = [run for each in [*ready, *receiver.handle_timer(now)] for run in each.runs]
    found: list[object] = []
    for run in runs:
        found += [f"{run.lost_before} lost"] if run.lost_before else []
        found += [packet.sequence for packet in run.packets]
    return [*found, *receiver.rtcp_to_send(now)]


def test_keyframe_requests_are_limited_whoever_asks() -> None:
    media = _media(ssrcs=[SSRC])
    receiver = MediaReceiver([media], ssrc=1, now=0.0)
    receiver.receive_rtp([RtpPacket(96, 1, 0, SSRC, b"x")], -1.0)
    (ready,) = receiver.handle_timer(0.0)
    asked = 0
    for step in range(2000):
        receiver.request_keyframe(ready.source)
        sent = receiver.rtcp_to_send(step / 1000)
        asked += sum(isinstance(packet, PictureLossIndication) for packet in sent)
    assert asked == 4


def _asked(feedback: list[str], times: int) -> list[RtcpPacket]:
    """What a source that agreed to this feedback is sent for so many wishes."""
    receiver = MediaReceiver([_media(ssrcs=[SSRC], feedback=feedback)], ssrc=1, now=1000.0)
    receiver.receive_rtp([RtpPacket(96, 1, 0, SSRC, b"x")], -1.0)
    (ready,) = receiver.handle_timer(0.0)
    found: list[RtcpPacket] = []
    for number in range(times):
        receiver.request_keyframe(ready.source)
        found += receiver.rtcp_to_send(float(number))
    return found


def test_where_only_fir_was_agreed_keyframes_are_asked_for_by_fir() -> None:
    asked = _asked(["ccm fir"], 258)
    assert asked[:2] == [FullIntraRequest(1, {SSRC: 0}), FullIntraRequest(1, {SSRC: 1})]
    assert asked[-2:] == [FullIntraRequest(1, {SSRC: 0}), FullIntraRequest(1, {SSRC: 1})]
    assert parse_rtcp(asked[1].to_bytes()) == [asked[1]]


def test_pli_comes_before_fir_and_without_either_nothing_is_asked() -> None:
    assert _asked(["ccm fir", "nack pli"], 1) == [PictureLossIndication(1, SSRC)]
    assert _asked(["nack"], 2) == []


def test_transport_cc_is_fed_back() -> None:
    receiver = MediaReceiver([_media(ssrcs=[SSRC])], ssrc=1, now=0.0)
    for index in range(10):
        packet = RtpPacket(96, index, 0, SSRC, b"x", extensions={4: bytes([0, index])})
        receiver.receive_rtp([packet], index / 1000)
    assert receiver.next_timer() == 0.02, "the first packets are held for a moment"
    receiver.handle_timer(0.02)
    assert receiver.next_timer() == 0.05
    (feedback,) = receiver.rtcp_to_send(0.06)
    assert isinstance(feedback, TransportFeedback)
    assert [a is not None for a in feedback.arrivals] == [True] * 10


def test_sender_reports_set_the_clock() -> None:
    receiver = MediaReceiver([_media(ssrcs=[SSRC])], ssrc=1, now=0.0)
    receiver.receive_rtp([RtpPacket(96, 1, 90_000, SSRC, b"x")], 0.0)
    (ready,) = receiver.handle_timer(0.1)
    clock = receiver.clock(ready.source)
    assert clock is not None
    assert not clock.is_known
    receiver.receive_rtcp([SenderReport(SSRC, 1000 << 32, 0, 1, 1)], 0.0)
    assert clock.wall_clock(90_000) == 1001.0
    assert receiver.statistics(ready.source).received == 1


# --- which source ---------------------------------------------------------------------------------


def _packet(ssrc: int, number: int = 96, **extensions: bytes) -> RtpPacket:
    ids = {"mid": 1, "rid": 2, "repaired": 3}
    return RtpPacket(
        number, 1, 2, ssrc, b"\0\1x", extensions={ids[name]: v for name, v in extensions.items()}
    )


def test_layers_are_told_apart_by_rid_and_remembered() -> None:
    sources = SourceMap([_media(rids=["0", "1"])])
    assert sources.source_of(_packet(10)) is None, "no rid yet"
    first = sources.source_of(_packet(10, rid=b"0"))
    second = sources.source_of(_packet(11, rid=b"1"))
    assert first is not None
    assert second is not None
    assert (first.rid, second.rid) == ("0", "1")
    assert sources.source_of(_packet(10)) is first
    assert sources.source_of(_packet(12, rid=b"9")) is None, "a layer that was not agreed"
    assert sources.repaired_by(_packet(20, 97)) is None
    assert sources.repaired_by(_packet(20, 97, repaired=b"1")) is second
    assert sources.repaired_by(_packet(20, 97)) is second


def test_a_layer_may_change_its_ssrc() -> None:
    sources = SourceMap([_media(rids=["0"])])
    old = sources.source_of(_packet(10, rid=b"0"))
    new = sources.source_of(_packet(11, rid=b"0"))
    assert new is not None
    assert new is not old
    assert sources.repaired_by(_packet(20, 97, repaired=b"0")) is new


def test_packets_that_a_new_ssrc_has_overtaken_do_not_turn_it_back() -> None:
    sources = SourceMap([_media()])
    sources.source_of(_packet(10))
    new = sources.source_of(_packet(11))
    assert [sources.source_of(_packet(10)) for _ in range(20)] == [None] * 20
    assert sources.source_of(_packet(11)) is new
    found = [sources.source_of(_packet(10)) for _ in range(20)]
    assert found[-1] is not None, "it is in use again"
    assert found[-1].ssrc == 10
    assert sources.source_of(_packet(11)) is None


def test_equal_payload_types_are_told_apart_by_mid() -> None:
    sources = SourceMap([_media(mid="a"), _media(mid="b")])
    assert sources.source_of(_packet(10)) is None
    found = sources.source_of(_packet(10, mid=b"b"))
    assert found is not None
    assert found.media.mid == "b"


def test_announced_sources_need_no_extensions() -> None:
    offer = parse_sdp(offer_text("ffmpeg9_sendonly"))
    media = answer_publish(offer, _local(), session_id=1).media
    sources = SourceMap(media)
    video = sources.source_of(_packet(1456677192, 106))
    assert video is not None
    assert video.media.kind == "video"
    assert sources.source_of(_packet(1456677192, 111)) is None, "the wrong payload type"
    assert sources.repaired_by(_packet(1456677193, 105)) is video
    assert sources.source_of(_packet(1456677191, 111)) is not None


def test_unknown_payload_types_and_floods_of_sources_make_no_state() -> None:
    sources = SourceMap([_media(rids=[str(i) for i in range(MAX_SOURCES + 10)])])
    assert sources.source_of(_packet(1, 50)) is None
    found = [sources.source_of(_packet(i, rid=str(i).encode())) for i in range(MAX_SOURCES + 10)]
    assert sum(each is not None for each in found) == MAX_SOURCES
