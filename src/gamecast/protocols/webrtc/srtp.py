"""SRTP and SRTCP of one peer: rollover counters, replay windows, and the fan-out's batches.

The hot path of the server is :meth:`SrtpSender.seal` on a :class:`PacketBatch`: the batch holds
what all viewers share (headers, payloads), the viewer adds one AES-GCM operation per packet, and
the result goes out in one system call.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable

from gamecast.protocols.webrtc.aead import Seal
from gamecast.protocols.webrtc.batch import PacketBatch
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.replay import ReplayWindow
from gamecast.protocols.webrtc.rtp import RtpPacket, read_rtp, rtp_header_size
from gamecast.protocols.webrtc.srtp_keys import Label, SrtpKeys, derive_session_keys
from gamecast.protocols.webrtc.srtp_transform import (
    RTCP_HEADER_SIZE,
    CmTransform,
    make_transform,
    rtcp_index,
)

MAX_DATAGRAM = 2048
MAX_SSRCS = 64
"""Received synchronisation sources per peer; a simulcast publisher has about eight."""
_SEQUENCE_AND_SSRC = struct.Struct("!2xH4xI")
_INDEX = (1 << 48) - 1


class _Line:
    """One source whose packets are given as batches, which know how often its sequence wrapped."""

    __slots__ = ("base", "following", "octets", "packets", "seal")

    def __init__(self, seal: Seal, first_sequence: int) -> None:
        self.seal = seal
        self.base = first_sequence & ~0xFFFF
        """What a sequence number has more than this peer's packet index."""
        self.following = first_sequence
        """The sequence behind the last one that was sealed."""
        self.packets = 0
        self.octets = 0


class _Rollover:
    """One source whose packets are given one by one, under their 16 bits of sequence."""

    __slots__ = ("roc", "seal", "sequence")

    def __init__(self, seal: Seal, sequence: int) -> None:
        self.seal = seal
        self.sequence = sequence
        self.roc = 0

    def index(self, sequence: int) -> int:
        """Of a packet, which becomes the last one if it is newer than that."""
        if sequence - self.sequence & 0xFFFF < 0x8000:
            self.roc = self.roc + (sequence < self.sequence) & 0xFFFFFFFF
            self.sequence = sequence
        late_wrap = sequence > self.sequence  # A retransmission from before the wrap.
        return (self.roc - late_wrap & 0xFFFFFFFF) << 16 | sequence


class SrtpSender:
    """Protects what goes to one peer. A source starts with rollover counter 0 (RFC 3711 3.3.1).

    A source is given either as batches (:meth:`seal`) or packet by packet (:meth:`protect`).

    One sequence number of an SSRC stands for one packet, for ever: GCM gives its key away if an
    index is used for two different packets (RFC 7714 section 8.4). So :meth:`seal` goes forward
    only, which costs a comparison: batches are sent in order, and what is sent again goes as RTX,
    which has a sequence of its own. Of :meth:`protect` the caller takes care.
    """

    def __init__(self, keys: SrtpKeys) -> None:
        self.profile = keys.profile
        self.overhead = keys.profile.tag_size
        self._rtp = make_transform(derive_session_keys(keys.local, keys.profile, Label.RTP))
        self._rtcp = make_transform(derive_session_keys(keys.local, keys.profile, Label.RTCP))
        self._rtcp_index = 0
        self._lines: dict[int, _Line] = {}
        self._rollovers: dict[int, _Rollover] = {}
        self.refused = 0
        """Packets that :meth:`seal` left out, as their sequences were not above those before."""

    def seal(self, batch: PacketBatch) -> bytes:
        """All packets of a batch protected, one behind the other.

        Cut it at ``batch.segment_size(sender.overhead)``. It is empty if a source's sequences do
        not go on above the last that were sealed: one is never used for two packets.
        """
        pieces, run, at = batch.pieces, batch, 0
        while True:
            line = self._lines.get(run.ssrc) or self._begin(run)
            first, count = run.first_sequence, len(run.payloads)
            if first < line.following:
                self.refused += count
                return b""
            line.following = first + count
            index, end = first - line.base & _INDEX, at + 2 * count
            pieces[at + 1 : end : 2] = map(
                line.seal, range(index, index + count), run.payloads, run.headers
            )
            line.packets += count
            line.octets += run.octets
            if run.rider is None:
                return b"".join(pieces)
            run, at = run.rider, end

    def _begin(self, batch: PacketBatch) -> _Line:
        line = _Line(self._rtp.sealer(batch.ssrc), batch.first_sequence)
        self._lines[batch.ssrc] = line
        return line

    def sent(self, ssrc: int) -> tuple[int, int]:
        """Packets and payload octets of the batches of a source, as a sender report has them."""
        line = self._lines.get(ssrc)
        return (line.packets, line.octets) if line is not None else (0, 0)

    def protect(self, header: bytes, payload: bytes) -> bytes:
        """One RTP packet from its whole header and its payload."""
        sequence, ssrc = _SEQUENCE_AND_SSRC.unpack_from(header)
        source = self._rollovers.get(ssrc)
        if source is None:
            source = self._rollovers[ssrc] = _Rollover(self._rtp.sealer(ssrc), sequence)
        return header + source.seal(source.index(sequence), payload, header)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """One RTCP compound packet; its first SSRC is in bytes 4 to 8 as in all RTCP."""
        index = self._rtcp_index
        self._rtcp_index = index + 1 & 0x7FFFFFFF
        return self._rtcp.seal_rtcp(packet, index)


class SrtpReceiver:
    """Checks and opens what comes from one peer. A packet that fails costs nothing but time."""

    def __init__(self, keys: SrtpKeys) -> None:
        self.dropped: Counter[str] = Counter()
        """Packets not let in, by reason."""
        self._overhead = keys.profile.tag_size
        self._rtp = make_transform(derive_session_keys(keys.remote, keys.profile, Label.RTP))
        self._rtcp = make_transform(derive_session_keys(keys.remote, keys.profile, Label.RTCP))
        self._rtp_windows: dict[int, ReplayWindow] = {}
        self._rtcp_windows: dict[int, ReplayWindow] = {}

    def unprotect(self, packet: bytes) -> RtpPacket | None:
        """The plain RTP packet, or ``None`` if it is malformed, replayed or not authentic.

        Raises WebRtcError for an authentic packet that is not as RTP should be.
        """
        header_size = rtp_header_size(packet)
        if header_size == 0 or len(packet) < header_size + self._overhead:
            self._drop("malformed")
            return None
        sequence, ssrc = _SEQUENCE_AND_SSRC.unpack_from(packet)
        window = self._rtp_windows.get(ssrc)
        if window is None:
            if len(self._rtp_windows) >= MAX_SSRCS:
                self._drop("too many sources")
                return None
            window = ReplayWindow()
        index = window.highest + 1
        if index & 0xFFFF != sequence:  # not the next one, as it is as a rule
            index = _estimate_index(window.highest, sequence)
            if not window.is_fresh(index):
                self._drop("replayed")
                return None
        payload = self._rtp.open(packet, header_size, ssrc, index)
        if payload is None:
            self._drop("not authentic")
            return None
        window.add(index)
        self._rtp_windows[ssrc] = window  # Only an authentic packet makes state.
        return read_rtp(packet, header_size, payload)

    def unprotect_all(self, datagrams: Iterable[bytes]) -> list[RtpPacket]:
        """The plain packets of those datagrams that are authentic, new and well-formed."""
        packets = []
        for data in datagrams:
            try:
                packet = self.unprotect(data) if len(data) <= MAX_DATAGRAM else None
            except WebRtcError:
                packet = None
            if packet is not None:
                packets.append(packet)
        return packets

    def unprotect_rtcp(self, packet: bytes) -> bytes | None:
        """The plain RTCP compound, or ``None``."""
        if len(packet) < RTCP_HEADER_SIZE + self._overhead + 4:
            self._drop("malformed")
            return None
        ssrc = int.from_bytes(packet[4:8], "big")
        tag_behind = self._overhead if isinstance(self._rtcp, CmTransform) else 0
        index = rtcp_index(packet, tag_behind)
        known = self._rtcp_windows.get(ssrc)
        if known is None and len(self._rtcp_windows) >= MAX_SSRCS:
            self._drop("too many sources")
            return None
        window = known or ReplayWindow()
        if not window.is_fresh(index):
            self._drop("replayed")
            return None
        plain = self._rtcp.open_rtcp(packet)
        if plain is None:
            self._drop("not authentic")
            return None
        window.add(index)
        self._rtcp_windows[ssrc] = window
        return plain

    def _drop(self, reason: str) -> None:
        self.dropped[reason] += 1


def _estimate_index(highest: int, sequence: int) -> int:
    """The index nearest to the highest that has this sequence (RFC 3711 section 3.3.1)."""
    if highest < 0:
        return sequence
    roc, last = highest >> 16, highest & 0xFFFF
    if last < 0x8000:
        if sequence - last > 0x8000 and roc > 0:
            roc -= 1
    elif last - 0x8000 > sequence:
        roc += 1
    return roc << 16 | sequence
