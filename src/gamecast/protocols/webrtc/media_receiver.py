"""Everything between authentic RTP and a publisher's packets in order, with the RTCP it takes.

Joins, per publisher: which source a packet belongs to, RTX, the jitter buffer, NACK, keyframe
requests, reception statistics and transport-cc feedback. Feed it ``RtpReceived`` and
``RtcpReceived``, send what ``rtcp_to_send`` gives, wake it at ``next_timer``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gamecast.protocols.webrtc.answer import AgreedMedia
from gamecast.protocols.webrtc.arrival import ArrivalRecorder
from gamecast.protocols.webrtc.capabilities import TRANSPORT_CC
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.jitter import JitterBuffer, Run
from gamecast.protocols.webrtc.nack import NackGenerator
from gamecast.protocols.webrtc.reception import ReceptionStatistics
from gamecast.protocols.webrtc.rtcp import ReceiverReport, RtcpPacket, SenderReport
from gamecast.protocols.webrtc.rtcp_feedback import (
    FullIntraRequest,
    GenericNack,
    PictureLossIndication,
)
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.rtx import restore
from gamecast.protocols.webrtc.sources import Source, SourceMap
from gamecast.protocols.webrtc.unwrap import SourceClock

REPORT_INTERVAL = 1.0
KEYFRAME_INTERVAL = 0.5
"""Seconds between keyframe requests for one source, however many viewers ask."""
MAX_WAIT = 0.5
"""Longest that a lost packet holds up what follows it, when it can be asked for again."""
WAIT_WITHOUT_NACK = 0.05
START_WAIT = 0.02


@dataclass(slots=True)
class PacketsReady:
    """Packets of one source, in order; every run is of one timestamp or was waited for."""

    source: Source
    runs: list[Run]


@dataclass(slots=True)
class _Stream:
    source: Source
    buffer: JitterBuffer
    nack: NackGenerator | None
    statistics: ReceptionStatistics
    clock: SourceClock
    keyframe_wanted: bool = False
    keyframe_asked_at: float = field(default=-KEYFRAME_INTERVAL)
    fir_sequence: int = -1
    """Of the last FIR (RFC 5104 section 4.3.1.1)."""


class MediaReceiver:
    """The receiving side of one WHIP session. ``ssrc`` is ours, for the RTCP that we send."""

    def __init__(self, media: list[AgreedMedia], *, ssrc: int, now: float) -> None:
        self.rtt = 0.1
        """Seconds, learnt from how soon NACKs are answered."""
        self.nacks = 0
        """Packets that were asked for again."""
        self.plis = 0
        """Keyframes that were asked for, by PLI or FIR."""
        self._ssrc = ssrc
        self._sources = SourceMap(media)
        self._streams: dict[int, _Stream] = {}
        self._report_at = now + REPORT_INTERVAL
        self._arrivals: ArrivalRecorder | None = None
        ids = {each.extensions[TRANSPORT_CC] for each in media if _uses_transport_cc(each)}
        self._transport_cc = ids

    def receive_rtp(self, packets: Sequence[RtpPacket], now: float) -> list[PacketsReady]:
        """Take authentic packets that came together; returns what is in order now."""
        if self._transport_cc:
            self._record_arrivals(packets, now)
        ready: list[PacketsReady] = []
        for run in _runs(packets):
            source = self._sources.source_of(run[0])
            if source is not None:
                ready += self._receive_run(self._stream(source), run, now)
            else:
                for packet in run:
                    ready += self._receive_repeated(packet, now)
        return ready

    def _receive_run(
        self, stream: _Stream, run: Sequence[RtpPacket], now: float
    ) -> list[PacketsReady]:
        first, count = run[0], len(run)
        stream.statistics.receive_run(first.sequence, count, first.timestamp, now)
        return self._insert(stream, run, now)

    def _receive_repeated(self, packet: RtpPacket, now: float) -> list[PacketsReady]:
        source = self._sources.repaired_by(packet)
        original = self._restore(packet, source)
        if source is None or original is None:
            return []
        return self._insert(self._stream(source), (original,), now)

    def _insert(self, stream: _Stream, run: Sequence[RtpPacket], now: float) -> list[PacketsReady]:
        if stream.nack is not None:
            round_trip = stream.nack.receive_run(run[0].sequence, len(run), now)
            if round_trip is not None:
                self.rtt += (min(round_trip, 2.0) - self.rtt) / 8
            stream.buffer.max_wait = min(MAX_WAIT, 6 * self.rtt + 0.05)
        return _ready(stream, stream.buffer.insert(run, now))

    def receive_rtcp(self, packets: Sequence[RtcpPacket], now: float) -> None:
        """Take the sender reports of a compound."""
        for packet in packets:
            stream = self._streams.get(packet.ssrc) if isinstance(packet, SenderReport) else None
            if stream is not None and isinstance(packet, SenderReport):
                stream.statistics.receive_report(packet, now)
                stream.clock.receive_report(packet.ntp_time, packet.rtp_timestamp)

    def clock(self, source: Source) -> SourceClock | None:
        """The wall clock of a source; ``None`` when its layer goes on with another SSRC."""
        stream = self._streams.get(source.ssrc)
        return None if stream is None else stream.clock

    def statistics(self, source: Source) -> ReceptionStatistics:
        """Loss and jitter of a source that has sent packets."""
        return self._streams[source.ssrc].statistics

    @property
    def sources(self) -> list[tuple[Source, ReceptionStatistics]]:
        """Every source that has sent packets, and how they arrived."""
        return [(stream.source, stream.statistics) for stream in self._streams.values()]

    def request_keyframe(self, source: Source) -> None:
        """Ask for a keyframe as soon as the limit on such requests allows."""
        stream = self._streams.get(source.ssrc)
        if stream is not None:
            stream.keyframe_wanted = True

    def handle_timer(self, now: float) -> list[PacketsReady]:
        """Give up what has been waited for long enough."""
        ready = []
        for stream in self._streams.values():
            ready += _ready(stream, stream.buffer.handle_timer(now))
        return ready

    def rtcp_to_send(self, now: float) -> list[RtcpPacket]:
        """What is due: reports, NACKs, keyframe requests, transport-cc. May be empty."""
        feedback: list[RtcpPacket] = []
        for stream in self._streams.values():
            feedback += self._feedback(stream, now)
        arrivals = self._arrivals.feedback(now) if self._arrivals is not None else None
        if arrivals is not None:
            feedback.append(arrivals)
        if now < self._report_at:
            return feedback
        self._report_at = now + REPORT_INTERVAL
        reports = [stream.statistics.report(now) for stream in self._streams.values()]
        return [ReceiverReport(self._ssrc, reports[:31]), *feedback]

    def next_timer(self) -> float:
        """When to call :meth:`handle_timer` and then :meth:`rtcp_to_send`."""
        timers: list[float | None] = [self._report_at]
        if self._arrivals is not None:
            timers.append(self._arrivals.next_timer())
        for stream in self._streams.values():
            timers.append(stream.buffer.next_timer())
            if stream.nack is not None:
                timers.append(stream.nack.next_timer())
            if stream.keyframe_wanted:
                timers.append(stream.keyframe_asked_at + KEYFRAME_INTERVAL)
        return min(at for at in timers if at is not None)

    def _record_arrivals(self, packets: Sequence[RtpPacket], now: float) -> None:
        values = [
            packet.extensions.get(identifier, b"")
            for packet in packets
            for identifier in self._transport_cc
        ]
        sequences = [value[0] << 8 | value[1] for value in values if len(value) == 2]
        if not sequences:
            return
        if self._arrivals is None:
            self._arrivals = ArrivalRecorder(sender_ssrc=self._ssrc, media_ssrc=packets[0].ssrc)
        self._arrivals.receive_packets(sequences, now)

    def _restore(self, packet: RtpPacket, source: Source | None) -> RtpPacket | None:
        if source is None:
            return None
        try:
            return restore(packet, ssrc=source.ssrc, payload_type=source.media.payload_type)
        except WebRtcError:
            return None

    def _stream(self, source: Source) -> _Stream:
        stream = self._streams.get(source.ssrc)
        if stream is None:
            for ssrc, other in list(self._streams.items()):
                if other.source.media is source.media and other.source.rid == source.rid:
                    del self._streams[ssrc]  # The layer goes on with another SSRC.
            nacks = "nack" in source.media.feedback
            stream = self._streams[source.ssrc] = _Stream(
                source=source,
                buffer=JitterBuffer(
                    max_wait=0.2 if nacks else WAIT_WITHOUT_NACK, start_wait=START_WAIT
                ),
                nack=NackGenerator() if nacks else None,
                statistics=ReceptionStatistics(source.ssrc, source.media.clock_rate),
                clock=SourceClock(source.media.clock_rate),
            )
        return stream

    def _feedback(self, stream: _Stream, now: float) -> list[RtcpPacket]:
        packets: list[RtcpPacket] = []
        ssrc = stream.source.ssrc
        if stream.nack is not None:
            missing = stream.nack.sequences_to_ask(now, rtt=self.rtt)
            if missing:
                self.nacks += len(missing)
                packets.append(GenericNack(self._ssrc, ssrc, missing))
            if stream.nack.wants_keyframe:
                stream.nack.wants_keyframe = False
                stream.keyframe_wanted = True
        if stream.keyframe_wanted and now - stream.keyframe_asked_at >= KEYFRAME_INTERVAL:
            stream.keyframe_wanted = False
            packets += self._keyframe_request(stream, now)
        return packets

    def _keyframe_request(self, stream: _Stream, now: float) -> list[RtcpPacket]:
        """PLI, or FIR where only that was agreed: a number per request tells them apart."""
        feedback = stream.source.media.feedback
        if "nack pli" not in feedback and "ccm fir" not in feedback:
            return []
        stream.keyframe_asked_at = now
        self.plis += 1
        ssrc = stream.source.ssrc
        if "nack pli" in feedback:
            return [PictureLossIndication(self._ssrc, ssrc)]
        stream.fir_sequence = stream.fir_sequence + 1 & 0xFF
        return [FullIntraRequest(self._ssrc, {ssrc: stream.fir_sequence})]


def _uses_transport_cc(media: AgreedMedia) -> bool:
    return TRANSPORT_CC in media.extensions and "transport-cc" in media.feedback


def _runs(packets: Sequence[RtpPacket]) -> list[list[RtpPacket]]:
    """Cut where source, payload type or timestamp change, or the sequence does not follow."""
    last = packets[0]
    run = [last]
    runs = [run]
    for packet in packets[1:]:
        if (
            packet.sequence == last.sequence + 1 & 0xFFFF
            and packet.timestamp == last.timestamp
            and packet.ssrc == last.ssrc
            and packet.payload_type == last.payload_type
        ):
            run.append(packet)
        else:
            run = [packet]
            runs.append(run)
        last = packet
    return runs


def _ready(stream: _Stream, runs: list[Run]) -> list[PacketsReady]:
    return [PacketsReady(stream.source, runs)] if runs else []
