"""One WHEP viewer: what it has been sent, what it asks for again, what it can take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gamecast.packaging.rtp import Frame, JointFrames, RtpLine
from gamecast.protocols.webrtc.rtcp import (
    ReceiverReport,
    RtcpPacket,
    SenderReport,
    SourceDescription,
)
from gamecast.protocols.webrtc.rtcp_feedback import (
    FullIntraRequest,
    GenericNack,
    PictureLossIndication,
    ReceiverEstimate,
)
from gamecast.protocols.webrtc.rtp import build_header
from gamecast.protocols.webrtc.session import Session
from gamecast.server.webrtc.tcp import Path
from gamecast.server.webrtc.variant import Variant

_NTP_EPOCH = 2_208_988_800
_CNAME = "gamecast"
_RTX_BURST = 256 * 1024
_HEADROOM = 1.1
"""A stream may be this much above the peer's estimate, which is cautious."""
_OVERUSE_SECONDS = 3.0
_DRAINED = 128 * 1024
"""A group is begun only if less than this still waits for the viewer."""


@dataclass(slots=True)
class Reception:
    """What the viewer's player says of how the stream arrives."""

    estimate: int = 0
    """Bits per second that it thinks its network takes (REMB); 0 before it says."""
    fraction_lost: float = 0.0
    jitter: float = 0.0
    """Seconds."""
    rtt: float = 0.0
    """Seconds, from report to report."""
    nacks: int = 0
    """Packets that it asked for again."""
    plis: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class WhepViewer:
    """Seals shared frames with its own keys and sends them. Skips whole groups when it must."""

    session: Session
    socket: Path = field(init=False)
    """What leads to the selected address; there as soon as one is selected."""
    variant: Variant
    address: str
    software: str = ""
    """What the player's HTTP client calls itself."""
    since: float
    queue: deque[Frame] = field(default_factory=deque, repr=False)
    """Frames that wait to be paced: the group at the start, large keyframes later."""
    skipping: bool = False
    sent_bytes: int = 0
    dropped_groups: int = 0
    reception: Reception = field(default_factory=Reception)
    rtx_ssrc: int = 0
    end: Callable[[str], None]
    """Ends the session, with a reason for the log."""
    _rtx_sequence: int = 0
    _rtx_budget: float = _RTX_BURST
    _rtx_at: float = 0.0
    _over_since: float | None = None

    def send(self, frame: Frame | JointFrames) -> None:
        """One frame now: a seal and a system call per batch."""
        session = self.session
        sender, address = session.sender, session.agent.selected
        if sender is None or address is None:
            return
        for batch in self.variant.batches(frame):
            sealed = sender.seal(batch)
            self.socket.send_segments(sealed, batch.plain_size + sender.overhead, address)
            self.sent_bytes += len(sealed)

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
                self._retransmit(packet, now, line)
            elif isinstance(packet, (PictureLossIndication, FullIntraRequest)):
                self.reception.plis += 1
                want_keyframe(self)
            elif isinstance(packet, ReceiverEstimate):
                self.reception.estimate = packet.bitrate
            elif isinstance(packet, (ReceiverReport, SenderReport)):
                self._report(packet, wall, line)

    def resend(self, frame: Frame, number: int, line: RtpLine) -> int:
        """One packet again as RTX (RFC 4588): its own SSRC and sequence. Returns its size."""
        video = self.variant.video
        if video is None or not video.rtx_payload_type or not self.rtx_ssrc:
            return 0
        sender, address = self.session.sender, self.session.selected
        if sender is None or address is None:
            return 0
        header = build_header(
            payload_type=video.rtx_payload_type,
            sequence=self._rtx_sequence & 0xFFFF,
            timestamp=frame.timestamp & 0xFFFFFFFF,
            ssrc=self.rtx_ssrc,
            marker=number == len(frame.payloads) - 1,
            extension_block=b"",
        )
        self._rtx_sequence += 1
        original = (frame.first_sequence + number & 0xFFFF).to_bytes(2, "big")
        data = sender.protect(header, original + frame.payloads[number])
        self.socket.send(data, address)
        self.sent_bytes += len(data)
        return len(data)

    def _retransmit(self, nack: GenericNack, now: float, line: RtpLine | None) -> None:
        self.reception.nacks += len(nack.sequences)
        if line is None or nack.media_ssrc != line.ssrc or self.skipping:
            return
        self.refill(now)
        for sequence in nack.sequences:
            found = line.find(sequence)
            if found is None or self._rtx_budget < 0:
                continue
            self._rtx_budget -= self.resend(*found, line)

    def repeat_group(self, group: list[Frame], line: RtpLine, now: float) -> None:
        """The video of a group as retransmissions, as far as the bound on them allows.

        Encoders behind RTMP make no keyframe on request, but a player that lost the beginning of
        the group can still fill the gap from these.
        """
        self.refill(now)
        for frame in group:
            if not frame.is_video or frame in self.queue:
                continue
            for number in range(len(frame.payloads)):
                if self._rtx_budget < 0:
                    return
                self._rtx_budget -= self.resend(frame, number, line)

    def refill(self, now: float) -> None:
        """Retransmissions are bounded: 1 MB/s on top of the stream, a quarter of it at once."""
        self._rtx_budget = min(_RTX_BURST, self._rtx_budget + (now - self._rtx_at) * 1_000_000)
        self._rtx_at = now

    def _report(
        self, packet: ReceiverReport | SenderReport, wall: float, line: RtpLine | None
    ) -> None:
        for block in packet.reports:
            if line is not None and block.ssrc == line.ssrc:
                self.reception.fraction_lost = block.fraction_lost / 256
                self.reception.jitter = block.jitter / line.clock_rate
            if block.last_sr:
                middle = (int((wall + _NTP_EPOCH) * 65536)) & 0xFFFFFFFF
                rtt = (middle - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF
                if rtt < 10 * 65536:
                    self.reception.rtt = rtt / 65536

    # What we say --------------------------------------------------------------------------------

    def send_reports(self, lines: list[tuple[RtpLine, int]], wall: float) -> None:
        """SR with the timestamp that each line has at ``wall``, so that players keep lip-sync.

        All in one compound (RFC 8108 section 5.3.1), for each datagram costs a system call.
        """
        session = self.session
        if not session.is_connected or session.sender is None:
            return
        ntp = int((wall + _NTP_EPOCH) * (1 << 32))
        reports: list[RtcpPacket] = []
        for line, timestamp in lines:
            packets, octets = session.sender.sent(line.ssrc)
            if packets:
                timestamp &= 0xFFFFFFFF
                reports.append(SenderReport(line.ssrc, ntp, timestamp, packets, octets))
        if reports:
            names = SourceDescription({line.ssrc: _CNAME for line, _ in lines})
            session.send_rtcp([*reports, names])
        # At once: round trips are measured from the time that a report bears.
        for data, address in session.datagrams_to_send():
            self.socket.send(data, address)

    def cut_group(self) -> None:
        """There was no room for a part of this group: what is left of it is of no use."""
        self.queue.clear()
        if not self.skipping:
            self.skipping = True
            self.dropped_groups += 1

    def may_have_group(self, bitrate: int, now: float) -> bool:
        """Decides at a keyframe whether this viewer gets the group that begins with it."""
        waiting = self.socket.backlog()
        if waiting > _DRAINED:
            self.dropped_groups += 1
            return False
        if waiting and self.queue:  # the last group has not got through: the new one is fresher
            self.queue.clear()
            self.dropped_groups += 1
        estimate = self.reception.estimate
        over = bool(estimate) and bitrate > estimate * _HEADROOM
        if not over:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = now
        if over and not self.skipping and now - (self._over_since or now) > _OVERUSE_SECONDS:
            self.dropped_groups += 1
            return False
        return True
