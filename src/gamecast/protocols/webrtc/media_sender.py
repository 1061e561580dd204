"""Sending half of a client's session: RTP out, paced; RTCP in, answered.

It numbers packets, keeps what may be asked for again (NACK, answered as RTX of RFC 4588 where it
was agreed), passes on wishes for keyframes, reports (SR with SDES), and estimates what the path
takes from transport-cc, REMB or the loss in receiver reports. Encryption is the session's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gamecast.protocols.webrtc.answer import AgreedMedia, OutgoingStream
from gamecast.protocols.webrtc.batch import PacketBatch
from gamecast.protocols.webrtc.capabilities import ABS_SEND_TIME, MID, TRANSPORT_CC
from gamecast.protocols.webrtc.congestion import BandwidthEstimator
from gamecast.protocols.webrtc.credentials import RandomBytes
from gamecast.protocols.webrtc.pacer import Pacer
from gamecast.protocols.webrtc.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    ntp_time,
)
from gamecast.protocols.webrtc.rtcp_feedback import (
    FullIntraRequest,
    GenericNack,
    PictureLossIndication,
    ReceiverEstimate,
)
from gamecast.protocols.webrtc.rtp import build_extensions, build_header
from gamecast.protocols.webrtc.rtx import RetransmissionRing, RtxSender
from gamecast.protocols.webrtc.send_history import SendHistory, SentPacket
from gamecast.protocols.webrtc.twcc import TransportFeedback

REPORT_INTERVAL = 1.0
START = 1.5
"""The path is taken to carry so many times what is meant to be sent, until it is known better."""
RTX_SHARE = 0.5
"""Of the bit rate that is meant to be sent, as the bound on retransmissions."""
MIN_RTX_RATE = 50_000.0
MAX_QUEUED = 0.4
"""Seconds by which feedback may come later than it once did: more waits on the way than may."""
_FEEDBACK_GONE = 2.0
"""Seconds after which missing feedback means that there is none any more."""
_MAX_RTT = 10.0


class _Extensions:
    """A header extension block of which two values are filled in when a packet leaves."""

    def __init__(self, media: AgreedMedia) -> None:
        values = {MID: media.mid.encode(), ABS_SEND_TIME: bytes(3), TRANSPORT_CC: bytes(2)}
        elements = {
            media.extensions[uri]: value
            for uri, value in values.items()
            if uri in media.extensions and value
        }
        self.block = build_extensions(elements) if elements else b""
        self.places: dict[str, int] = {}
        at = 12 + 4
        for uri, value in values.items():
            if uri in media.extensions and value:
                self.places[uri] = at + 1
                at += 1 + len(value)


@dataclass(slots=True)
class _Line:
    """One source."""

    media: AgreedMedia
    ssrc: int
    extensions: _Extensions
    sequence: int
    timestamp_offset: int
    repeater: RtxSender
    """Also bounds what is repeated as it was, where RTX was not agreed on."""
    has_rtx: bool
    ring: RetransmissionRing = field(default_factory=RetransmissionRing)
    packets: int = 0
    octets: int = 0


class _Window:
    """How much is on its way, in seconds of sending, by what transport-cc has confirmed.

    An estimate needs some samples before it falls; this holds the queue on the way short until
    then.
    """

    def __init__(self) -> None:
        self._confirmed = 0.0
        self._sent_at = 0.0
        self._told_at: float | None = None
        self._shortest = float("inf")

    def sent(self, now: float) -> None:
        """A packet has left."""
        self._sent_at = now

    def told(self, packets: Sequence[SentPacket], now: float) -> None:
        """Feedback has come."""
        if packets:
            self._confirmed = max(self._confirmed, max(each.sent_at for each in packets))
            self._told_at = now
            self._shortest = min(self._shortest, now - self._confirmed)

    def is_full(self, now: float) -> bool:
        """Whether to wait for feedback before more is sent."""
        if self._told_at is None or now - self._told_at > _FEEDBACK_GONE:
            return False
        return self._sent_at - self._confirmed > self._shortest + MAX_QUEUED


@dataclass(slots=True)
class SendStatistics:
    """What is known of how the media arrives."""

    packets_sent: int = 0
    packets_lost: int = 0
    """As the peer reports, before they were repeated."""
    packets_repeated: int = 0
    bytes_sent: int = 0
    rtt: float | None = None
    """Seconds, from sender report to receiver report."""
    keyframes_asked: int = 0


class MediaSender:
    """All media of one session. ``streams`` are those of the offer, ``media`` those agreed on."""

    def __init__(
        self,
        media: Sequence[AgreedMedia],
        streams: Sequence[OutgoingStream],
        *,
        bitrate: float,
        random: RandomBytes,
    ) -> None:
        """``bitrate`` is what is meant to be sent, in bits per second."""
        self.statistics = SendStatistics()
        self.estimator = BandwidthEstimator(start=bitrate * START)
        self.over_tcp = False
        """TCP (RFC 6544) finds its own rate, and delays by repeating: what delay seems to say of
        the path is not believed then, and the estimate stays. TCP's backlog tells what it takes."""
        self._pacer = Pacer(bitrate * START)
        self._urgent: list[tuple[bytes, bytes]] = []
        self._again: list[tuple[bytes, bytes]] = []
        self._history = SendHistory()
        self._window = _Window()
        self._transport_sequence = 0
        self._feedback = any(TRANSPORT_CC in each.extensions for each in media)
        self._report_at = 0.0
        self._anchor: float | None = None
        self._lost: dict[int, int] = {}
        rtx_rate = max(MIN_RTX_RATE, bitrate / 8 * RTX_SHARE)
        offered = {stream.kind: stream for stream in streams}
        self._lines = {
            each.kind: _line(each, offered[each.kind], rtx_rate, random) for each in media
        }
        self._by_ssrc = {line.ssrc: line for line in self._lines.values()}

    @property
    def kinds(self) -> frozenset[str]:
        """``video``, ``audio``: what the peer takes."""
        return frozenset(self._lines)

    @property
    def backlog(self) -> int:
        """Bytes that wait to be paced."""
        return self._pacer.backlog

    def wait(self) -> float:
        """Seconds until what waits has left."""
        return self._pacer.wait()

    # Media --------------------------------------------------------------------------------------

    def write(
        self, kind: str, payloads: Sequence[bytes], *, timestamp: int, seconds: float, wall: float
    ) -> None:
        """One access unit. ``timestamp`` is in its clock rate, ``seconds`` the same in seconds.

        The first one settles what wall clock the timestamps mean: that of ``wall`` (Unix time).
        """
        line = self._lines.get(kind)
        if line is None:
            return
        if self._anchor is None:
            self._anchor = wall - seconds
        for index, payload in enumerate(payloads):
            header = build_header(
                payload_type=line.media.payload_type,
                sequence=line.sequence,
                timestamp=timestamp + line.timestamp_offset & 0xFFFFFFFF,
                ssrc=line.ssrc,
                # Opus frames have no marker (RFC 7587 section 4.1): it would mean a talk spurt.
                marker=kind == "video" and index == len(payloads) - 1,
                extension_block=line.extensions.block,
            )
            line.sequence = line.sequence + 1 & 0xFFFF
            if kind == "video":
                self._pacer.push(header, payload)
            else:  # sound is small, and a keyframe must not hold it up
                self._urgent.append((header, payload))
                self._pacer.spend(len(header) + len(payload))

    def packets_to_send(
        self, now: float, wall: float, *, everything: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """Headers and payloads that leave now, stamped with this moment."""
        self._pacer.set_bitrate(self.estimator.bitrate)
        due, self._urgent = self._urgent, []
        if everything:
            due += self._pacer.pop_all()
        else:
            due += self._pacer.pop_due(now, held=self._window.is_full(now))
        again, self._again = self._again, []
        return again + [(self._stamped(*packet, now, wall), packet[1]) for packet in due]

    def _stamped(self, header: bytes, payload: bytes, now: float, wall: float) -> bytes:
        ssrc = int.from_bytes(header[8:12], "big")
        line = self._by_ssrc.get(ssrc)
        repeated = line is None
        if line is None:
            line = self._lines["video"]  # only pictures have a source for retransmissions
        stamped = bytearray(header)
        if (at := line.extensions.places.get(ABS_SEND_TIME)) is not None:
            stamped[at : at + 3] = (int(wall * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")
        size = len(header) + len(payload)
        if (at := line.extensions.places.get(TRANSPORT_CC)) is not None:
            stamped[at : at + 2] = self._transport_sequence.to_bytes(2, "big")
            self._history.add(self._transport_sequence, size, now)
            self._window.sent(now)
            self._transport_sequence = self._transport_sequence + 1 & 0xFFFF
        final = bytes(stamped)
        self._count(line, final, payload, now, repeated=repeated)
        return final

    def _count(
        self, line: _Line, header: bytes, payload: bytes, now: float, *, repeated: bool
    ) -> None:
        statistics = self.statistics
        statistics.bytes_sent += len(header) + len(payload)
        if repeated:
            statistics.packets_repeated += 1
            return
        statistics.packets_sent += 1
        line.packets += 1
        line.octets += len(payload)
        if line.media.kind == "video":
            sequence = header[2] << 8 | header[3]
            batch = PacketBatch(
                ssrc=line.ssrc, first_sequence=sequence, headers=[header], payloads=[payload]
            )
            line.ring.add(batch, now)

    # What the peer says -------------------------------------------------------------------------

    def receive_rtcp(self, packets: Sequence[RtcpPacket], now: float, wall: float) -> bool:
        """Take a compound; ``True`` if the peer wants a keyframe."""
        wants_keyframe = False
        for packet in packets:
            match packet:
                case GenericNack():
                    self._repeat(packet, now)
                case PictureLossIndication() | FullIntraRequest():
                    wants_keyframe = True
                case ReceiverReport() | SenderReport():
                    for block in packet.reports:
                        self._learn(block, wall)
                case TransportFeedback():
                    self._follow(self._history.receive_feedback(packet), now)
                case ReceiverEstimate() if not self.over_tcp:
                    self.estimator.receive_estimate(packet.bitrate)
                case _:
                    pass
        self.statistics.keyframes_asked += wants_keyframe
        return wants_keyframe

    def _follow(self, packets: list[SentPacket], now: float) -> None:
        self._window.told(packets, now)
        if not self.over_tcp:
            self.estimator.receive_feedback(packets, now)

    def _repeat(self, nack: GenericNack, now: float) -> None:
        line = self._by_ssrc.get(nack.media_ssrc)
        if line is None:
            return
        for sequence in reversed(nack.sequences):
            found = line.ring.find(sequence, now)
            repeated = line.repeater.repeat(*found, now) if found is not None else None
            if repeated is not None and line.has_rtx:
                self._pacer.push_front(*repeated)
            elif repeated is not None and found is not None:
                # The very same bytes: anything else under this sequence would betray the key.
                self._again.append(found)
                self._pacer.spend(len(found[0]) + len(found[1]))
                self.statistics.packets_repeated += 1

    def _learn(self, block: ReportBlock, wall: float) -> None:
        line = self._by_ssrc.get(block.ssrc)
        if line is None:
            return
        self._lost[block.ssrc] = max(0, block.cumulative_lost)
        self.statistics.packets_lost = sum(self._lost.values())
        if line.media.kind == "video" and not (self._feedback or self.over_tcp):
            self.estimator.receive_loss(block.fraction_lost / 256)
        if block.last_sr:
            middle = ntp_time(wall) >> 16 & 0xFFFFFFFF
            rtt = (middle - block.last_sr - block.delay_since_last_sr & 0xFFFFFFFF) / 65536
            if rtt < _MAX_RTT:
                self.statistics.rtt = rtt

    # What we say --------------------------------------------------------------------------------

    def reports_to_send(self, now: float, wall: float) -> list[RtcpPacket]:
        """A compound every second, once media flows; empty in between."""
        if self._anchor is None or now < self._report_at:
            return []
        self._report_at = now + REPORT_INTERVAL
        ntp = ntp_time(wall)
        compound: list[RtcpPacket] = []
        for line in self._lines.values():
            if line.packets:
                seconds = wall - self._anchor
                timestamp = round(seconds * line.media.clock_rate) + line.timestamp_offset
                compound.append(
                    SenderReport(line.ssrc, ntp, timestamp & 0xFFFFFFFF, line.packets, line.octets)
                )
        names = {line.ssrc: "gamecast" for line in self._lines.values()}
        return [*compound, SourceDescription(names)] if compound else []

    def goodbye(self) -> list[RtcpPacket]:
        """A compound that ends all sources."""
        return [
            ReceiverReport(next(iter(self._by_ssrc)), []),
            Goodbye(list(self._by_ssrc)),
        ]

    def next_timer(self) -> float | None:
        """When something is due of itself; ``None`` before media flows."""
        if self._anchor is None:
            return None
        paced = self._pacer.next_timer()
        return self._report_at if paced is None else min(paced, self._report_at)


def _line(
    media: AgreedMedia, stream: OutgoingStream, rtx_rate: float, random: RandomBytes
) -> _Line:
    repeater = RtxSender(
        ssrc=stream.rtx_ssrc or 0,
        payload_type=media.rtx_payload_type or 0,
        max_rate=rtx_rate,
        sequence=int.from_bytes(random(2), "big") & 0x7FFF,
    )
    return _Line(
        media=media,
        ssrc=stream.ssrc,
        extensions=_Extensions(media),
        # Below 2**15, so that the rollover counter is sure to begin at 0 (RFC 3711 3.3.1).
        sequence=int.from_bytes(random(2), "big") & 0x7FFF,
        timestamp_offset=int.from_bytes(random(4), "big"),
        repeater=repeater,
        has_rtx=media.rtx_payload_type is not None and stream.rtx_ssrc is not None,
    )
