"""One WHEP viewer: what it has been sent, what it asks for again, what it can take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gamecast.media.track import Kind
from gamecast.packaging.rtp import Frame, JointFrames, RtpLine
from gamecast.protocols.webrtc.batch import PacketBatch
from gamecast.protocols.webrtc.rtcp import (
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
from gamecast.protocols.webrtc.session import Session
from gamecast.server.webrtc.reception import Reception
from gamecast.server.webrtc.repairs import RATE, Repairs
from gamecast.server.webrtc.tcp import Path
from gamecast.server.webrtc.variant import Variant, abs_send_time

_CNAME = "gamecast"
_DRAINED = 128 * 1024
"""A group is begun only if less than this still waits for the viewer."""
_SHARE = 0.7
"""Of what a network takes for pictures: sound and repairs need some, and queues must drain."""
_PART_PACKETS = 2
_NARROW_SHARE = 0.2
"""Of an estimate that the stream exceeds for repairs: more of them would only be lost again."""


@dataclass(slots=True, kw_only=True, eq=False)
class WhepViewer:
    """Seals shared frames with its own keys and sends them. Skips ends of groups when it must."""

    session: Session
    socket: Path = field(init=False)
    """What leads to the selected address; there as soon as one is selected."""
    variant: Variant
    address: str
    software: str = ""
    """What the player's HTTP client calls itself."""
    since: float
    sound_delay: float = 0.0
    """Seconds by which the player's sound comes out later than its own lip-sync knows."""
    queue: deque[Frame] = field(default_factory=deque, repr=False)
    """Pictures that wait to be paced: the group at the start, large keyframes later."""
    is_behind: bool = False
    """Whether it is still being handed the group with which it began."""
    skipping: bool = False
    sent_bytes: int = 0
    dropped_groups: int = 0
    reception: Reception = field(default_factory=Reception)
    repairs: Repairs = field(default_factory=Repairs, repr=False)
    repeats: deque[tuple[Frame, int]] = field(default_factory=deque, repr=False)
    """Packets of the group that wait to be paced, for a player that cannot go on."""
    parts: deque[PacketBatch] = field(default_factory=deque, repr=False)
    """What is left of a picture that is too large to leave at once."""
    rtx_ssrc: int = 0
    end: Callable[[str], None]
    """Ends the session, with a reason for the log."""
    _rtx_sequence: int = 0
    pace: float | None = None
    """Bytes per second that the network takes of this group; ``None`` for all of it."""
    credit: float = 0.0
    """Bytes that the pace allows now."""
    _begun: Frame | None = None
    """The picture to which the parts belong."""
    _bitrate: int = 0
    _group_at: float | None = None
    _left: float = 0.0
    """Bytes that may still be sent of a group that is paced."""
    _first: int = -1
    """Sequence of the group's first packet."""

    def send(self, frame: Frame | JointFrames) -> None:
        """One frame now."""
        for batch in self.variant.batches(frame):
            self.send_batch(batch)

    def send_batch(self, batch: PacketBatch) -> int:
        """A seal and a system call. Returns the size."""
        session = self.session
        sender, address = session.sender, session.agent.selected
        if sender is None or address is None:
            return 0
        sealed = sender.seal(batch)
        self.socket.send_segments(sealed, batch.plain_size + sender.overhead, address)
        size = len(sealed)
        self.sent_bytes += size
        return size

    @property
    def waits(self) -> bool:
        """Whether something is to be paced."""
        return bool(self.queue or self.parts or self.repeats)

    def send_next(self) -> int:
        """What is next in the queue: a batch, or where there is a pace a part of one. Its size."""
        if not self.parts:
            self._begun = self.queue.popleft()
            for batch in self.variant.batches(self._begun):
                self.parts.extend([batch] if self.pace is None else batch.split(_PART_PACKETS))
        return self.send_batch(self.parts.popleft()) if self.parts else 0

    # What the player says -----------------------------------------------------------------------

    def receive(
        self,
        packets: list[RtcpPacket],
        *,
        now: float,
        wall: float,
        line: RtpLine | None,
        want_keyframe: Callable[[WhepViewer], None],
    ) -> None:
        """RTCP of this viewer; ``line`` is the video line, from which retransmissions come."""
        for packet in packets:
            if isinstance(packet, GenericNack):
                self._retransmit(packet, now=now, wall=wall, line=line)
            elif isinstance(packet, (PictureLossIndication, FullIntraRequest)):
                self.reception.plis += 1
                want_keyframe(self)
            elif isinstance(packet, ReceiverEstimate):
                self.reception.estimate = packet.bitrate
                self._limit_repairs(now)
            elif isinstance(packet, (ReceiverReport, SenderReport)):
                self._report(packet, now=now, wall=wall, line=line)

    def resend(self, frame: Frame, number: int, *, now: float, wall: float) -> int:
        """One packet again as RTX (RFC 4588): its own SSRC and sequence. Returns its size.

        That is 0 where it may not be repeated.
        """
        if not self.repairs.take(frame, number, now=now, rtt=self.reception.rtt):
            return 0
        copies = self.reception.copies if self.repairs.rate == RATE else 1
        size = sum(self._resend(frame, number, wall) for _ in range(copies))
        self.repairs.spend(size)
        return size

    def _resend(self, frame: Frame, number: int, wall: float) -> int:
        video = self.variant.video
        sender, address = self.session.sender, self.session.selected
        if video is None or not video.rtx_payload_type or not self.rtx_ssrc:
            return 0
        if sender is None or address is None:
            return 0
        # Without the time at which it leaves, Chromium takes us for a sender that never tells any,
        # and begins its estimate anew.
        times = {video.abs_send_time: abs_send_time(wall)} if video.abs_send_time else {}
        header = build_header(
            payload_type=video.rtx_payload_type,
            sequence=self._rtx_sequence & 0xFFFF,
            timestamp=frame.timestamp & 0xFFFFFFFF,
            ssrc=self.rtx_ssrc,
            marker=number == len(frame.payloads) - 1,
            extension_block=build_extensions(times),
        )
        self._rtx_sequence += 1
        original = (frame.first_sequence + number & 0xFFFF).to_bytes(2, "big")
        data = sender.protect(header, original + frame.payloads[number])
        self.socket.send(data, address)
        self.sent_bytes += len(data)
        return len(data)

    def _retransmit(
        self, nack: GenericNack, *, now: float, wall: float, line: RtpLine | None
    ) -> None:
        self.reception.nacks += len(nack.sequences)
        if line is None or nack.media_ssrc != line.ssrc:
            return
        for sequence in nack.sequences:
            found = line.find(sequence)
            if found is not None:
                self.repairs.ask(*found)
                self.resend(*found, now=now, wall=wall)

    def repeat_group(self, group: list[Frame], now: float) -> None:
        """Of the video of a group what the player may lack, as retransmissions, soon.

        Encoders behind RTMP make no keyframe on request, but a player that cannot go on can still
        fill its gaps from these.
        """
        pictures = [frame for frame in group if frame.is_video and frame not in self.queue]
        self.repeats = deque(self.repairs.of_group(pictures, now))

    def _report(
        self,
        packet: ReceiverReport | SenderReport,
        *,
        now: float,
        wall: float,
        line: RtpLine | None,
    ) -> None:
        said = self.reception
        for block in packet.reports:
            if block.last_sr:
                said.told_trip(ntp_trip(block, wall), now)
            if line is not None and block.ssrc == line.ssrc:
                said.jitter = block.jitter / line.clock_rate
                said.told_counts(block.highest_sequence, block.cumulative_lost, now)
                self.variant = self.variant.delayed(said.patience)

    # What we say --------------------------------------------------------------------------------

    def send_reports(self, lines: list[tuple[RtpLine, int]], wall: float) -> None:
        """SR with the timestamp that each line has at ``wall``, so that players keep lip-sync.

        All in one compound (RFC 8108 section 5.3.1), for each datagram costs a system call.
        """
        session = self.session
        if not session.is_connected or session.sender is None:
            return
        ntp = ntp_time(wall)
        reports: list[RtcpPacket] = []
        for line, timestamp in lines:
            packets, octets = session.sender.sent(line.ssrc)
            if packets:
                timestamp += self._lead(line)
                timestamp &= 0xFFFFFFFF
                reports.append(SenderReport(line.ssrc, ntp, timestamp, packets, octets))
        if reports:
            names = SourceDescription({line.ssrc: _CNAME for line, _ in lines})
            session.send_rtcp([*reports, names])
        # At once: round trips are measured from the time that a report bears.
        for data, address in session.datagrams_to_send():
            self.socket.send(data, address)

    def _lead(self, line: RtpLine) -> int:
        """Ticks by which a line is told to be ahead: its pictures wait for sound that comes late.

        In the timestamp and not in the time of the report, by which round trips are measured.
        """
        return int(self.sound_delay * line.clock_rate) if line.track.kind is Kind.AUDIO else 0

    def cut_group(self) -> None:
        """There was no room for a part of this group: what is left of it is of no use."""
        self._clear()
        self._skip()

    def go_without(self) -> None:
        """The server has no time for the group that begins for this viewer; sound goes on."""
        self._clear()
        self.skipping = True
        self.dropped_groups += 1

    def begin_group(self, keyframe: Frame, bitrate: int, now: float) -> None:
        """Decide whether this viewer gets the group that begins here, and how much of it."""
        repairs, first = self.repairs, keyframe.first_sequence
        sent = repairs.end(first) - self._first
        if self._first >= 0 and sent > 0:
            self.reception.missed(repairs.missed / sent, now)
        repairs.forget_before(first)
        self._first, self._bitrate = first, bitrate
        self.skipping = not self.may_have_group(bitrate, now)
        if not self.skipping:
            repairs.resume(first)

    def may_have_group(self, bitrate: int, now: float) -> bool:
        """Decides at a keyframe whether this viewer gets the group that begins with it."""
        seconds = now - self._group_at if self._group_at is not None else 0.0
        if self.pace is not None:  # the new group is fresher than what is left of the last
            self._clear()
        self._group_at, self.pace = now, None
        waiting = self.socket.backlog()
        if waiting > _DRAINED:
            self.dropped_groups += 1
            return False
        if waiting and self.queue:  # the last group has not got through: the new one is fresher
            self._clear()
            self.dropped_groups += 1
        self._limit_repairs(now)
        capacity = self.reception.capacity(bitrate, now)
        if capacity is not None and seconds:
            self.pace, self.credit = capacity / 8 * _SHARE, 0.0
            self._left = self.pace * seconds
        return True

    @property
    def is_held_back(self) -> bool:
        """Whether there is not room for all of this group."""
        return self.skipping or self.pace is not None or bool(self.parts)

    def allowed(self, pictures: list[Frame]) -> list[Frame]:
        """Those that may be sent. Where the network cannot take a group its end is lost."""
        for number, picture in enumerate(pictures):
            if self.skipping:
                self.repairs.withhold(picture.first_sequence)
                return pictures[:number]
            if self.pace is not None:
                self._left -= picture.size
                if self._left <= 0:
                    self._skip()
        return pictures

    def _clear(self) -> None:
        """What waits is not sent. Of a picture that was begun the rest is of no use either."""
        waiting = [frame for frame in self.queue if frame.is_video]
        if self.parts and self._begun is not None:
            waiting.insert(0, self._begun)
        if waiting:
            self.repairs.withhold(waiting[0].first_sequence)
        self.queue.clear()
        self.parts.clear()

    def _limit_repairs(self, now: float) -> None:
        said = self.reception
        is_over = said.is_over(self._bitrate, now)
        self.repairs.rate = min(RATE, said.estimate / 8 * _NARROW_SHARE) if is_over else RATE

    def _skip(self) -> None:
        self.reception.cut_at = self._group_at
        if not self.skipping:
            self.skipping = True
            self.dropped_groups += 1


def ntp_trip(block: ReportBlock, wall: float) -> float:
    """Seconds between our sender report and the peer's word of it (RFC 3550 section 6.4.1)."""
    middle = ntp_time(wall) >> 16 & 0xFFFFFFFF
    return ((middle - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF) / 65536
