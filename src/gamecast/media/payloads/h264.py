"""RTP payload format for H.264 (RFC 6184), packetization mode 1: single units, STAP-A, FU-A."""

from __future__ import annotations

from gamecast.media.codecs.h264 import NalType, is_timing_sei, parse_avcc
from gamecast.media.codecs.nal import nal_units
from gamecast.media.errors import MediaError
from gamecast.media.payloads.base import DEFAULT_MTU, FrameDepacketizer, check_mtu
from gamecast.media.payloads.nal_units import (
    FU_END,
    FU_START,
    UnitCollector,
    aggregate,
    fragment,
    group_units,
)

STAP_A = 24
FU_A = 28
_AUD = int(NalType.AUD)
_NOT_SENT = frozenset({NalType.AUD, NalType.END_OF_SEQUENCE, NalType.END_OF_STREAM, NalType.FILLER})
_STARTERS = frozenset({NalType.SEI, NalType.SPS, NalType.PPS, NalType.AUD, STAP_A})


class H264Packetizer:
    """Access units of length-prefixed NAL units to payloads.

    ``config`` is the track's ``avcC``: its parameter sets go in front of every IDR picture that
    brings none, so that a viewer can join there and a changed picture size needs no signalling.
    """

    def __init__(self, config: bytes = b"", *, mtu: int = DEFAULT_MTU) -> None:
        self._mtu = check_mtu(mtu)
        self._sets: list[bytes] = []
        if config:
            avcc = parse_avcc(config)
            self._sets = [*avcc.sps, *avcc.pps]

    def packetize(self, data: bytes) -> list[bytes]:
        """Payloads of one access unit; delimiters, filler and buffer timing are left out."""
        units = [unit for unit in nal_units(data) if _is_sent(unit)]
        kinds = {unit[0] & 31 for unit in units}
        if NalType.IDR in kinds and NalType.SPS not in kinds:
            units = [*self._sets, *units]
        payloads: list[bytes] = []
        for group in group_units(units, limit=self._mtu, header_size=1):
            if len(group) > 1:
                payloads.append(_stap_a(group))
            elif len(group[0]) <= self._mtu:
                payloads.append(group[0])
            else:
                payloads += _fu_a(group[0], self._mtu)
        return payloads


def _is_sent(unit: bytes) -> bool:
    """RTP has its own timing; NVENC's and x264's would be a packet of its own for each picture."""
    kind = unit[0] & 31
    return kind not in _NOT_SENT and not (kind == NalType.SEI and is_timing_sei(unit[1:]))


def _stap_a(units: list[bytes]) -> bytes:
    """RFC 6184 section 5.7.1; its NRI is the highest of its units'."""
    nri = max(unit[0] & 0x60 for unit in units)
    return aggregate(bytes([nri | STAP_A]), units)


def _fu_a(unit: bytes, mtu: int) -> list[bytes]:
    """RFC 6184 section 5.8: the NAL header is spread over indicator and FU header."""
    indicator, kind = unit[0] & 0xE0 | FU_A, unit[0] & 31
    return fragment(bytes([indicator]), kind, unit[1:], mtu)


class H264Depacketizer(FrameDepacketizer):
    """Payloads to access units of length-prefixed NAL units."""

    def __init__(self) -> None:
        super().__init__()
        self._units = UnitCollector()

    def starts(self, payload: bytes) -> bool:
        """A parameter set, SEI or aggregate, or a slice with first_mb_in_slice 0."""
        if len(payload) < 3:
            return False
        kind = payload[0] & 31
        if kind in _STARTERS:
            return True
        if kind == FU_A:
            is_start = payload[1] & FU_START != 0
            return is_start and (payload[1] & 31 in _STARTERS or payload[2] & 0x80 != 0)
        return payload[1] & 0x80 != 0

    def append(self, payload: bytes) -> bool:
        kind = payload[0] & 31
        if kind == FU_A:
            return self._append_fragment(payload)
        if 1 <= kind < STAP_A:
            if kind != _AUD:
                self._units.add(payload)
        elif kind == STAP_A:
            self._units.add_aggregated(payload, 1, lambda unit: unit[0] & 31 < STAP_A)
        else:
            raise MediaError(f"H.264 payload of type {kind} (packetization mode 1 has none)")
        return True

    def _append_fragment(self, payload: bytes) -> bool:
        if len(payload) < 2:
            raise MediaError("H.264 fragment without its header")
        flags = payload[1]
        if flags & FU_START:
            self._units.start_fragment(bytes([payload[0] & 0xE0 | flags & 31]))
        return self._units.continue_fragment(payload[2:], last=flags & FU_END != 0)

    def size(self) -> int:
        return len(self._units)

    def take(self) -> bytes | None:
        return self._units.take()

    def discard(self) -> None:
        self._units.clear()
