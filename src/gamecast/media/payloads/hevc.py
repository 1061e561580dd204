"""RTP payload format for HEVC (RFC 7798) without DON: single units, AP, FU."""

from __future__ import annotations

from gamecast.media.codecs.h264 import is_timing_sei
from gamecast.media.codecs.hevc import NalType, parse_hvcc
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

AGGREGATION = 48
FRAGMENTATION = 49
_NOT_SENT = frozenset(
    {NalType.AUD, NalType.END_OF_SEQUENCE, NalType.END_OF_BITSTREAM, NalType.FILLER}
)


def _kind(unit: bytes) -> int:
    return unit[0] >> 1 & 63


class HevcPacketizer:
    """Access units of length-prefixed NAL units to payloads.

    ``config`` is the track's ``hvcC``: its parameter sets go in front of every IRAP picture that
    brings none.
    """

    def __init__(self, config: bytes = b"", *, mtu: int = DEFAULT_MTU) -> None:
        self._mtu = check_mtu(mtu)
        self._sets: list[bytes] = []
        if config:
            hvcc = parse_hvcc(config)
            self._sets = [*hvcc.vps, *hvcc.sps, *hvcc.pps]

    def packetize(self, data: bytes) -> list[bytes]:
        """Payloads of one access unit; delimiters, filler and buffer timing are left out."""
        units = [unit for unit in nal_units(data) if _is_sent(unit)]
        kinds = {_kind(unit) for unit in units}
        irap = any(NalType.BLA_W_LP <= kind <= NalType.RSV_IRAP_23 for kind in kinds)
        if irap and NalType.SPS not in kinds:
            units = [*self._sets, *units]
        payloads: list[bytes] = []
        for group in group_units(units, limit=self._mtu, header_size=2):
            if len(group) > 1:
                payloads.append(_aggregation(group))
            elif len(group[0]) <= self._mtu:
                payloads.append(group[0])
            else:
                payloads += _fragments(group[0], self._mtu)
        return payloads


def _is_sent(unit: bytes) -> bool:
    if len(unit) < 2:
        raise MediaError("HEVC NAL unit shorter than its header")
    kind = _kind(unit)
    return kind not in _NOT_SENT and not (kind == NalType.PREFIX_SEI and is_timing_sei(unit[2:]))


def _aggregation(units: list[bytes]) -> bytes:
    """RFC 7798 section 4.4.2: lowest layer id and temporal id of the units."""
    layer = min((unit[0] & 1) << 5 | unit[1] >> 3 for unit in units)
    temporal = min(unit[1] & 7 for unit in units)
    header = bytes((AGGREGATION << 1 | layer >> 5, (layer & 31) << 3 | temporal))
    return aggregate(header, units)


def _fragments(unit: bytes, mtu: int) -> list[bytes]:
    """RFC 7798 section 4.4.3."""
    header = bytes((unit[0] & 0x81 | FRAGMENTATION << 1, unit[1]))
    return fragment(header, _kind(unit), unit[2:], mtu)


class HevcDepacketizer(FrameDepacketizer):
    """Payloads to access units of length-prefixed NAL units."""

    def __init__(self) -> None:
        super().__init__()
        self._units = UnitCollector()

    def starts(self, payload: bytes) -> bool:
        """A parameter set, SEI or aggregate, or a slice with first_slice_segment_in_pic_flag."""
        if len(payload) < 4:
            return False
        kind = _kind(payload)
        if kind == FRAGMENTATION:
            inner = payload[2] & 63
            is_first = inner >= NalType.VPS or payload[3] & 0x80 != 0
            return payload[2] & FU_START != 0 and is_first
        return kind >= NalType.VPS or payload[2] & 0x80 != 0

    def append(self, payload: bytes) -> bool:
        if len(payload) < 3:
            raise MediaError("HEVC payload shorter than its header")
        kind = _kind(payload)
        if kind < AGGREGATION:
            if kind != NalType.AUD:
                self._units.add(payload)
        elif kind == AGGREGATION:
            self._units.add_aggregated(payload, 2, lambda unit: _kind(unit) < AGGREGATION)
        elif kind == FRAGMENTATION:
            return self._append_fragment(payload)
        else:
            raise MediaError(f"HEVC payload of type {kind} is not supported")
        return True

    def _append_fragment(self, payload: bytes) -> bool:
        flags = payload[2]
        if flags & FU_START:
            header = bytes((payload[0] & 0x81 | (flags & 63) << 1, payload[1]))
            self._units.start_fragment(header)
        return self._units.continue_fragment(payload[3:], last=flags & FU_END != 0)

    def size(self) -> int:
        return len(self._units)

    def take(self) -> bytes | None:
        return self._units.take()

    def discard(self) -> None:
        self._units.clear()
