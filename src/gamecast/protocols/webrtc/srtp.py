"""SRTP and SRTCP of one peer: rollover counters, replay windows, and the fan-out's batches.

The hot path of the server is :meth:`SrtpSender.seal` on a :class:`PacketBatch`: the batch holds
what all viewers share (headers, payloads, and a buffer with the headers already in place),
the viewer adds one AES-GCM operation per packet, written straight into that buffer, and the
result goes out in one system call.
"""

from __future__ import annotations

import struct
from collections import Counter, deque
from collections.abc import Iterable

from gamecast.protocols.webrtc.batch import PacketBatch, Run
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.replay import ReplayWindow
from gamecast.protocols.webrtc.rtp import RtpPacket, read_rtp, rtp_header_size
from gamecast.protocols.webrtc.srtp_keys import Label, SrtpKeys, derive_session_keys
from gamecast.protocols.webrtc.srtp_transform import (
    RTCP_HEADER_SIZE,
    CmTransform,
    GcmTransform,
    make_transform,
    rtcp_index,
)

MAX_DATAGRAM = 2048
MAX_SSRCS = 64
"""Received synchronisation sources per peer; a simulcast publisher has about eight."""
_SEQUENCE_AND_SSRC = struct.Struct("!2xH4xI")
_exhaust = deque[int](maxlen=0).extend
"""Runs an iterator to its end at the speed of C."""
_TWO_BYTES = [i.to_bytes(2, "big") for i in range(65536)]


class _Line:
    """What one SSRC towards one peer needs: last sequence, rollover counter, what was sent."""

    __slots__ = ("low", "octets", "packets", "prefix", "roc", "sequence")

    def __init__(self, sequence: int) -> None:
        self.roc = 0
        self.sequence = sequence
        self.prefix = b""
        self.low = 0
        self.packets = 0
        self.octets = 0


class SrtpSender:
    """Protects what goes to one peer. A line starts with rollover counter 0 (RFC 3711 3.3.1).

    One sequence number of an SSRC stands for one packet, for ever: GCM gives its key away if an
    index is used for two different packets (RFC 7714 section 8.4). Sending the very same bytes
    again is fine; a changed header (another ``abs-send-time``) needs RTX, which has a sequence of
    its own.
    """

    def __init__(self, keys: SrtpKeys) -> None:
        self.profile = keys.profile
        self.overhead = keys.profile.tag_size
        self._rtp: GcmTransform | CmTransform = make_transform(
            derive_session_keys(keys.local, keys.profile, Label.RTP)
        )
        self._rtcp = make_transform(derive_session_keys(keys.local, keys.profile, Label.RTCP))
        rtp = self._rtp
        self._encrypt = rtp.aead.encrypt_into if isinstance(rtp, GcmTransform) else None
        self._rtcp_index = 0
        self._lines: dict[int, _Line] = {}

    def seal(self, batch: PacketBatch) -> memoryview:
        """All packets of a batch protected, one behind the other.

        The view is the batch's own buffer: send it (or copy it) before sealing the batch for the
        next viewer. Cut it at ``batch.segment_size(sender.overhead)``.
        """
        buffer, runs = batch.layout(self.overhead)
        for run in runs:
            self._seal_run(run)
        return buffer

    def _seal_run(self, run: Run) -> None:
        line, encrypt, first = self._lines.get(run.ssrc), self._encrypt, run.sequences[0]
        in_order = line and line.prefix and 0 < first - line.sequence < 0x8000 and not run.wraps
        if not in_order or line is None or encrypt is None:
            self._seal_slowly(run)
            return
        line.sequence = run.sequences[-1]
        line.packets += len(run.gaps)
        line.octets += run.octets
        prefix, low, two_bytes = line.prefix, line.low, _TWO_BYTES
        nonces = [prefix + two_bytes[sequence ^ low] for sequence in run.sequences]
        _exhaust(map(encrypt, nonces, run.payloads, run.headers, run.gaps))

    def _seal_slowly(self, run: Run) -> None:
        """Any transform, the first batch, batches across the wrap, and batches sent again."""
        rtp, ssrc = self._rtp, run.ssrc
        packets = zip(run.sequences, run.headers, run.payloads, run.gaps, strict=True)
        for sequence, header, payload, gap in packets:
            gap[:] = rtp.seal(header, payload, ssrc, self._index(ssrc, sequence))
        line = self._lines[ssrc]
        line.packets += len(run.gaps)
        line.octets += run.octets
        if isinstance(rtp, GcmTransform):
            nonce = rtp.nonce(ssrc, line.roc << 16)
            line.prefix, line.low = nonce[:10], nonce[10] << 8 | nonce[11]

    def sent(self, ssrc: int) -> tuple[int, int]:
        """Packets and payload octets of the batches of a source, as a sender report has them."""
        line = self._lines.get(ssrc)
        return (line.packets, line.octets) if line is not None else (0, 0)

    def protect(self, header: bytes, payload: bytes) -> bytes:
        """One RTP packet from its whole header and its payload."""
        sequence = header[2] << 8 | header[3]
        ssrc = int.from_bytes(header[8:12], "big")
        return header + self._rtp.seal(header, payload, ssrc, self._index(ssrc, sequence))

    def protect_rtcp(self, packet: bytes) -> bytes:
        """One RTCP compound packet; its first SSRC is in bytes 4 to 8 as in all RTCP."""
        index = self._rtcp_index
        self._rtcp_index = index + 1 & 0x7FFFFFFF
        return self._rtcp.seal_rtcp(packet, index)

    def _index(self, ssrc: int, sequence: int) -> int:
        line = self._advance(ssrc, sequence)
        late_wrap = sequence > line.sequence  # A retransmission from before the wrap.
        return ((line.roc - 1 if late_wrap else line.roc) & 0xFFFFFFFF) << 16 | sequence

    def _advance(self, ssrc: int, sequence: int) -> _Line:
        """The line of ``ssrc`` moved on to ``sequence``, if that is newer than its last."""
        line = self._lines.get(ssrc)
        if line is None:
            line = self._lines[ssrc] = _Line(sequence)
            return line
        ahead = sequence - line.sequence & 0xFFFF
        if ahead < 0x8000:
            if sequence < line.sequence:
                line.roc = line.roc + 1 & 0xFFFFFFFF
                line.prefix = b""
            line.sequence = sequence
        return line


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
