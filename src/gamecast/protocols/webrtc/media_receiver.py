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
from gamecast.protocols.webrtc.jitter import JitterBuffer, OrderedPacket
from gamecast.protocols.webrtc.nack import NackGenerator
from gamecast.protocols.webrtc.reception import ReceptionStatistics
from gamecast.protocols.webrtc.rtcp import ReceiverReport, RtcpPacket, SenderReport
from gamecast.protocols.webrtc.rtcp_feedback import GenericNack, PictureLossIndication
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
    """Packets of one source, in order."""

    source: Source
    packets: list[OrderedPacket]


@dataclass(slots=True)
class _Stream:
    source: Source
    buffer: JitterBuffer
    nack: NackGenerator | None
    statistics: ReceptionStatistics
    clock: SourceClock
    keyframe_wanted: bool = False
    keyframe_asked_at: float = field(default=-KEYFRAME_INTERVAL)


class MediaReceiver:
    """The receiving side of one WHIP session. ``ssrc`` is ours, for the RTCP that we send."""

    def __init__(self, media: list[AgreedMedia], *, ssrc: int, now: float) -> None:
        self.rtt = 0.1
        """Seconds, learnt from how soon NACKs are answered."""
        self.nacks = 0
        """Packets that were asked for again."""
        self.plis = 0
        """Keyframes that were asked for."""
        self._ssrc = ssrc
        self._sources = SourceMap(media)
        self._streams: dict[int, _Stream] = {}
        self._report_at = now + REPORT_INTERVAL
        self._arrivals: ArrivalRecorder | None = None
        ids = {each.extensions[TRANSPORT_CC] for each in media if _uses_transport_cc(each)}
        self._transport_cc = ids

    def receive_rtp(self, packet: RtpPacket, now: float) -> list[PacketsReady]:
        """Take an authentic packet; returns what is in order now."""
        self._record_arrival(packet, now)
        source = self._sources.source_of(packet)
        is_repeat = source is None
        if source is None:
            source = self._sources.repaired_by(packet)
            original = self._restore(packet, source)
            if source is None or original is None:
                return []
            packet = original
        stream = self._stream(source, now)
        if not is_repeat:
            stream.statistics.receive_packet(packet.sequence, packet.timestamp, now)
        if stream.nack is not None:
            self._learn_rtt(stream.nack.receive_packet(packet.sequence, now))
            stream.buffer.max_wait = min(MAX_WAIT, 6 * self.rtt + 0.05)
        return _ready(stream, stream.buffer.insert(packet, now))

    def receive_rtcp(self, packets: Sequence[RtcpPacket], now: float) -> None:
        """Take the sender reports of a compound."""
        for packet in packets:
            stream = self._streams.get(packet.ssrc) if isinstance(packet, SenderReport) else None
            if stream is not None and isinstance(packet, SenderReport):
                stream.statistics.receive_report(packet, now)
                stream.clock.receive_report(packet.ntp_time, packet.rtp_timestamp)

    def clock(self, source: Source) -> SourceClock:
        """The wall clock of a source that has sent packets."""
        return self._streams[source.ssrc].clock

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

    def _record_arrival(self, packet: RtpPacket, now: float) -> None:
        for identifier in self._transport_cc:
            value = packet.extensions.get(identifier, b"")
            if len(value) == 2:
                if self._arrivals is None:
                    self._arrivals = ArrivalRecorder(sender_ssrc=self._ssrc, media_ssrc=packet.ssrc)
                self._arrivals.receive_packet(value[0] << 8 | value[1], now)
                return

    def _restore(self, packet: RtpPacket, source: Source | None) -> RtpPacket | None:
        if source is None:
            return None
        try:
            return restore(packet, ssrc=source.ssrc, payload_type=source.media.payload_type)
        except WebRtcError:
            return None

    def _stream(self, source: Source, now: float) -> _Stream:
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

    def _learn_rtt(self, sample: float | None) -> None:
        if sample is not None:
            self.rtt += (min(sample, 2.0) - self.rtt) / 8

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
            if "nack pli" in stream.source.media.feedback:
                stream.keyframe_asked_at = now
                self.plis += 1
                packets.append(PictureLossIndication(self._ssrc, ssrc))
        return packets


def _uses_transport_cc(media: AgreedMedia) -> bool:
    return TRANSPORT_CC in media.extensions and "transport-cc" in media.feedback


def _ready(stream: _Stream, packets: list[OrderedPacket]) -> list[PacketsReady]:
    return [PacketsReady(stream.source, packets)] if packets else []
