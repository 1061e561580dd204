"""Muxer: packets into the bytes of a transport stream with one program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gamecast.media.codecs.aac import parse_audio_specific_config
from gamecast.media.codecs.adts import build_adts
from gamecast.media.containers.mpegts import opus, pes, psi
from gamecast.media.containers.mpegts.annexb import access_unit_writer
from gamecast.media.containers.mpegts.psi import ElementaryStream, StreamType, Tag
from gamecast.media.containers.mpegts.splitter import PACKET_SIZE
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track

_PMT_PID = 0x1000
_FIRST_PID = 0x100
_TICKS = 90_000
_PSI_TICKS = _TICKS // 10
_PCR_TICKS = _TICKS * 35 // 1000
"""Below the 40 ms of ETSI TR 101 290, and above a picture's time at 30 fps."""
_SLOW_PCR_TICKS = _TICKS * 18 // 1000
"""Where pictures are further apart than that, each sound frame may carry the clock."""
_USUAL_FPS = 25
_DELAY_TICKS = _TICKS // 5
"""How far the PCR is behind the DTS: what a decoder's buffer may hold, and sound be late."""
_BODY = PACKET_SIZE - 4

_STREAM_TYPES = {
    Codec.H264: StreamType.H264,
    Codec.HEVC: StreamType.HEVC,
    Codec.AAC: StreamType.AAC_ADTS,
    Codec.MP3: StreamType.MPEG1_AUDIO,
    Codec.AC3: StreamType.AC3,
    Codec.EAC3: StreamType.EAC3,
    Codec.OPUS: StreamType.PRIVATE,
}
_REGISTRATION = {Codec.HEVC: b"HEVC", Codec.AC3: b"AC-3", Codec.EAC3: b"EAC3", Codec.OPUS: b"Opus"}
_STREAM_IDS = {
    Codec.OPUS: pes.PRIVATE_STREAM_1,
    Codec.AC3: pes.PRIVATE_STREAM_1,
    Codec.EAC3: pes.PRIVATE_STREAM_1,
}


def can_carry(track: Track) -> bool:
    """Whether a transport stream has room for this codec (AV1, VP8, VP9 and FLAC: no)."""
    return track.codec in _STREAM_TYPES


@dataclass(slots=True)
class _Output:
    """One elementary stream on its way out."""

    pid: int
    stream_id: int
    payload: Callable[[Packet], bytes]
    heads: list[bytes] = field(default_factory=list)
    """The 4-byte header of a packet with payload alone, by continuity counter."""
    counter: int = 0

    def __post_init__(self) -> None:
        first = bytes((psi.SYNC_BYTE, self.pid >> 8, self.pid & 0xFF))
        self.heads = [first + bytes((0x10 | counter,)) for counter in range(16)]


class Muxer:
    """Writes the packets of some tracks; those that ``can_carry`` refuses are left out.

    PAT and PMT at every keyframe and every 100 ms, a PCR every 40 ms at most. Continuity
    counters go on over ``set_tracks``.
    """

    def __init__(self, tracks: Sequence[Track] = ()) -> None:
        self._version = -1
        self._counters: dict[int, int] = {}
        self._outputs: dict[int, _Output] = {}
        self._psi_sections: list[tuple[int, bytes]] = []
        self._pcr_id = -1
        self._psi_at: int | None = None
        self._pcr_at: int | None = None
        self.set_tracks(tracks)

    def set_tracks(self, tracks: Sequence[Track]) -> None:
        """Start over with these tracks, as a new version of the PMT."""
        for output in self._outputs.values():
            self._counters[output.pid] = output.counter
        carried = [track for track in tracks if can_carry(track)]
        self._version += 1
        self._outputs = {
            track.id: self._output(_FIRST_PID + number, track)
            for number, track in enumerate(carried)
        }
        video = [track for track in carried if track.kind is Kind.VIDEO]
        clock = next(iter(video or carried), None)
        self._pcr_id = clock.id if clock is not None else -1
        slow = clock is not None and clock.fps is not None and clock.fps < _USUAL_FPS
        self._pcr_ticks = _SLOW_PCR_TICKS if slow else _PCR_TICKS
        entries = [_entry(self._outputs[track.id].pid, track) for track in carried]
        pcr_pid = self._outputs[self._pcr_id].pid if clock is not None else psi.NULL_PID
        self._psi_sections = [
            (psi.PAT_PID, psi.build_pat(_PMT_PID, version=0)),
            (_PMT_PID, psi.build_pmt(entries, pcr_pid=pcr_pid, version=self._version)),
        ]
        self._psi_at = self._pcr_at = None

    def psi(self) -> bytes:
        """PAT and PMT, each in its packet."""
        return b"".join([self._section(pid, section) for pid, section in self._psi_sections])

    def write(self, packet: Packet) -> bytes:
        """The packet as whole transport packets, with tables and clock where they are due."""
        output = self._outputs.get(packet.track.id)
        if output is None:
            return b""
        rate = packet.track.clock_rate
        dts = packet.dts if rate == _TICKS else (packet.dts * _TICKS + rate // 2) // rate
        pts = dts if packet.pts == packet.dts else (packet.pts * _TICKS + rate // 2) // rate
        parts = []
        if self._due(self._psi_at, dts, _PSI_TICKS) or (packet.is_video and packet.keyframe):
            self._psi_at = dts
            parts.append(self.psi())
        is_clock = packet.track.id == self._pcr_id
        pcr: int | None = None
        if self._due(self._pcr_at, dts, _PCR_TICKS // 3 if is_clock else self._pcr_ticks):
            self._pcr_at = dts
            if is_clock:
                pcr = dts - _DELAY_TICKS
            else:
                parts.append(self._pcr_packet(dts - _DELAY_TICKS))
        payload = output.payload(packet)
        header = pes.build_header(output.stream_id, len(payload), pts, None if pts == dts else dts)
        adaptation = _adaptation(pcr, random_access=packet.keyframe and packet.is_video)
        self._packetise(parts, output, header + payload, adaptation)
        return b"".join(parts)

    # Inside -------------------------------------------------------------------------------------

    @staticmethod
    def _due(last: int | None, now: int, interval: int) -> bool:
        return last is None or not 0 <= now - last < interval

    def _output(self, pid: int, track: Track) -> _Output:
        usual = pes.VIDEO_STREAM_ID if track.kind is Kind.VIDEO else pes.AUDIO_STREAM_ID
        output = _Output(pid, _STREAM_IDS.get(track.codec, usual), _payload_writer(track))
        output.counter = self._counters.get(pid, 0)
        return output

    def _section(self, pid: int, section: bytes) -> bytes:
        counter = self._counters.get(pid, 0)
        self._counters[pid] = counter + 1 & 0x0F
        head = bytes((psi.SYNC_BYTE, 0x40 | pid >> 8, pid & 0xFF, 0x10 | counter, 0))
        return (head + section).ljust(PACKET_SIZE, b"\xff")

    def _pcr_packet(self, pcr: int) -> bytes:
        """A packet of the clock's PID without payload: its counter stands still."""
        output = self._outputs[self._pcr_id]
        counter = output.counter - 1 & 0x0F
        head = bytes((psi.SYNC_BYTE, output.pid >> 8, output.pid & 0xFF, 0x20 | counter))
        field = _adaptation(pcr, random_access=False)
        return head + bytes((_BODY - 1,)) + field[1:] + b"\xff" * (_BODY - len(field))

    @staticmethod
    def _packetise(parts: list[bytes], output: _Output, data: bytes, adaptation: bytes) -> None:
        """Cut a PES packet into transport packets; stuffing only in the last."""
        counter = output.counter
        size = len(data)
        room = _BODY - len(adaptation)
        first = output.heads[counter]
        flags = 0x30 if adaptation or size < room else 0x10
        if size < room:
            adaptation = _stuff(adaptation, room - size)
        head = bytes((first[0], first[1] | 0x40, first[2], flags | counter))
        parts.append(head + adaptation + data[:room])
        counter = counter + 1 & 0x0F
        position = room
        heads = output.heads
        for position in range(room, size - _BODY + 1, _BODY):
            parts.append(heads[counter])
            parts.append(data[position : position + _BODY])
            counter = counter + 1 & 0x0F
        rest = (size - room) % _BODY if size > room else 0
        if rest:
            last = heads[counter]
            parts.append(last[:3] + bytes((0x30 | counter,)))
            parts.append(_stuff(b"", _BODY - rest) + data[size - rest :])
            counter = counter + 1 & 0x0F
        output.counter = counter


def _adaptation(pcr: int | None, *, random_access: bool) -> bytes:
    """An adaptation field with its length (section 2.4.3.4); empty where there is nothing to say.

    ``pcr`` is in ticks of 90 kHz; a negative one is a time before 0 and wraps.
    """
    if pcr is None:
        return b"\x01\x40" if random_access else b""
    base = pcr & pes.STAMP_MASK
    value = base << 15 | 0x3F << 9
    flags = 0x10 | 0x40 * random_access
    return bytes((7, flags)) + value.to_bytes(6, "big")


def _stuff(adaptation: bytes, count: int) -> bytes:
    """An adaptation field made longer by ``count`` bytes."""
    if adaptation:
        length = bytes((adaptation[0] + count,))
        return length + adaptation[1:] + b"\xff" * count
    if count == 1:
        return b"\x00"
    return bytes((count - 1, 0)) + b"\xff" * (count - 2)


def _entry(pid: int, track: Track) -> ElementaryStream:
    entry = ElementaryStream(_STREAM_TYPES[track.codec], pid)
    if track.codec in _REGISTRATION:
        entry.descriptors.append((Tag.REGISTRATION, _REGISTRATION[track.codec]))
    if track.codec is Codec.OPUS:
        entry.descriptors.append((Tag.EXTENSION, opus.descriptor_from_config(track.config)))
    return entry


def _payload_writer(track: Track) -> Callable[[Packet], bytes]:
    """What turns a packet into the bytes of its elementary stream."""
    if track.kind is Kind.VIDEO:
        return access_unit_writer(track)
    if track.codec is Codec.AAC:
        config = parse_audio_specific_config(track.config)
        return lambda packet: build_adts(config, len(packet.data)) + packet.data
    if track.codec is Codec.OPUS:
        return lambda packet: opus.control_header(len(packet.data)) + packet.data
    return lambda packet: packet.data
