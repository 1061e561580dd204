"""Demuxer: the bytes of a transport stream into packets."""

from __future__ import annotations

from itertools import count
from struct import Struct

from gamecast.media.containers.mpegts import opus, pes, psi
from gamecast.media.containers.mpegts.frames import AdtsFramer, Framer, SyncFramer
from gamecast.media.containers.mpegts.latm import LatmFramer
from gamecast.media.containers.mpegts.psi import ElementaryStream, StreamType, Tag
from gamecast.media.containers.mpegts.readers import AudioReader, Reader, VideoReader
from gamecast.media.containers.mpegts.splitter import PACKET_SIZE, Splitter
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.timing import TickRetimer
from gamecast.media.track import Codec, Track

_PACKETS = Struct(">I184s")
"""Header and, without an adaptation field, payload."""
_PAYLOAD_SIZE = 184
_SPECIAL = 0x0040_00F0
"""Header bits: a PES packet starts; scrambling, and what follows (0x10: payload alone)."""
_SAME = 0x473F_FF00
"""Sync byte, priority and PID: the same in all packets of a PES packet."""
_MAX_TRACKS = 16
_NOT_TS_BYTES = 256 * 1024
"""Bytes without a single packet after which this is no transport stream."""
_TRUST = 8
"""PES packets whose stuffed packet was the last one, before that is believed to be a rule."""

_VIDEO = {StreamType.H264: Codec.H264, StreamType.HEVC: Codec.HEVC}
_REGISTERED = {b"HEVC": Codec.HEVC, b"AC-3": Codec.AC3, b"EAC3": Codec.EAC3}


class _Stream:
    """One PID: PES packets are gathered and read.

    Video leaves its PES length open, so it ends where the next begins: a frame late. Muxers put
    stuffing into the last packet and nowhere else; where that has held for some frames in a row,
    a stuffed packet ends the frame at once.
    """

    __slots__ = ("_trust", "continuity", "parts", "reader", "size", "stuffed", "wanted")

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.wanted = 0
        self._trust = 0
        self.continuity = -1
        self.parts: list[bytes] | None = None
        self.size = 0
        self.stuffed = 0
        """Packets of this PES packet with stuffing so far."""

    def begin(self, payload: bytes) -> list[Packet]:
        """A PES packet begins: what was gathered before is complete."""
        packets = self._end() if self.parts else []
        self.parts = [payload]
        self.size = len(payload)
        self.wanted = pes.packet_length(payload)
        self.stuffed = 0
        return packets

    def done(self, *, stuffed: bool) -> list[Packet]:
        """After each payload that may be the last: read the PES packet if it is complete."""
        self.stuffed += stuffed
        if self.wanted:
            return self._end() if self.size >= self.wanted else []
        if stuffed and self._trust >= _TRUST:
            return self._end()
        return []

    def overflowing(self) -> bool:
        """Give a PES packet up that does not end."""
        if self.size <= pes.MAX_PES:
            return False
        self.lose()
        return True

    def lose(self) -> None:
        """A packet is missing: what was gathered is damaged."""
        self.parts = None
        self.size = 0
        self.reader.lose()

    def flush(self) -> list[Packet]:
        """The end of the stream completes what is open."""
        return self._end() if self.parts and not self.wanted else []

    def _end(self) -> list[Packet]:
        data = b"".join(self.parts or ())
        self.parts = None
        self.size = 0
        if not self.wanted:
            self._judge_stuffing()
        elif len(data) < self.wanted:
            self.reader.lose()
            raise MediaError("PES packet is shorter than it says")
        start, pts, dts = pes.parse_header(data)
        end = self.wanted or len(data)
        return self.reader.read(data[start:end], pts, dts)

    def _judge_stuffing(self) -> None:
        if self.stuffed > 1:
            self._trust = -1_000_000  # this muxer stuffs wherever it likes
        elif self.stuffed == 1:
            self._trust += 1


class Demuxer:
    """Reads one publisher's transport stream; make one per publisher.

    Takes the first program of the PAT: H.264, HEVC, AAC (ADTS, LATM), Opus, MP3, AC-3, E-AC-3;
    other streams are passed over. ``tracks`` holds what has been found; a changed configuration
    is a new ``Track`` with the same id. Damaged frames are dropped and counted, not raised.
    """

    def __init__(self) -> None:
        self.tracks: dict[int, Track] = {}
        self.continuity_errors = 0
        self.damaged = 0
        """Frames and tables dropped because they could not be read."""
        self.scrambled = 0
        self.pcr: int | None = None
        """The last program clock reference, ticks of 27 MHz."""
        self._splitter = Splitter()
        self._retimer = TickRetimer()
        self._pat = psi.SectionReader()
        self._pmt = psi.SectionReader()
        self._pmt_pid = -1
        self._streams: dict[int, _Stream] = {}
        self._entries: dict[int, ElementaryStream] = {}
        self._ids: dict[int, int] = {}
        self._found = False

    @property
    def jumps(self) -> int:
        """Discontinuities of the publisher's clock so far."""
        return self._retimer.jumps

    @property
    def lost_bytes(self) -> int:
        """Bytes dropped in search of the sync byte."""
        return self._splitter.lost_bytes

    def read(self, data: bytes) -> list[Packet]:
        """The packets that ``data`` completes; it may begin and end anywhere.

        Raises ``MediaError`` when no transport stream is found in the first 256 KiB.
        """
        aligned = self._splitter.feed(data)
        if not aligned:
            if not self._found and self._splitter.lost_bytes > _NOT_TS_BYTES:
                raise MediaError("this is no MPEG transport stream")
            return []
        self._found = True
        packets: list[Packet] = []
        stream: _Stream | None = None
        run: list[bytes] = []
        expected = -1
        for at, (header, payload) in enumerate(_PACKETS.iter_unpack(aligned)):
            if header == expected:  # most packets: payload alone, the next of an open PES packet
                run.append(payload)
                expected = header & ~0x0F | header + 1 & 0x0F
                continue
            if stream is not None and run:
                self._extend(stream, run)
                run = []
            stream = self._streams.get(header >> 8 & 0x1FFF)
            expected = -1
            if stream is None:
                self._read_other(aligned, at * PACKET_SIZE, header >> 8 & 0x1FFF)
                continue
            if header & _SPECIAL != 0x10:
                self._read_special(stream, aligned, at * PACKET_SIZE, packets)
            else:
                self._read_plain(stream, header & 0x0F, payload, packets)
            if stream.parts is not None and not stream.wanted:
                expected = header & _SAME | 0x10 | stream.continuity + 1 & 0x0F
        if stream is not None and run:
            self._extend(stream, run)
        return packets

    def flush(self) -> list[Packet]:
        """What is still open at the end of the stream."""
        packets: list[Packet] = []
        for stream in self._streams.values():
            try:
                packets += stream.flush()
            except MediaError:
                self.damaged += 1
        return packets

    # Packets ------------------------------------------------------------------------------------

    def _extend(self, stream: _Stream, run: list[bytes]) -> None:
        """Packets of a PES packet that followed each other."""
        if stream.parts is not None:
            stream.parts += run
        stream.size += _PAYLOAD_SIZE * len(run)
        stream.continuity = stream.continuity + len(run) & 0x0F
        self.damaged += stream.overflowing()

    def _read_plain(
        self, stream: _Stream, counter: int, payload: bytes, packets: list[Packet]
    ) -> None:
        """A packet of payload alone that starts nothing."""
        if stream.parts is None:
            stream.continuity = counter
        elif counter != (stream.continuity + 1) & 0x0F:
            if counter != stream.continuity:  # else a duplicate
                self._lose(stream, counter)
        else:
            stream.continuity = counter
            stream.parts.append(payload)
            stream.size += _PAYLOAD_SIZE
            self._after(stream, packets, stuffed=False)

    def _read_special(self, stream: _Stream, data: bytes, at: int, packets: list[Packet]) -> None:
        """A packet that starts a PES packet, has an adaptation field, or is scrambled."""
        first, flags = data[at + 1], data[at + 3]
        if first & 0x80 or flags & 0xC0:
            self.scrambled += bool(flags & 0xC0)
            self._lose(stream, flags & 0x0F)
            return
        start, stuffed = at + 4, False
        if flags & 0x20:
            start, stuffed = self._read_adaptation(data, at)
        if not flags & 0x10 or start >= at + PACKET_SIZE:
            return  # no payload, so no count either (section 2.4.3.3)
        counter = flags & 0x0F
        if counter == stream.continuity:
            return  # a duplicate
        missing = stream.continuity >= 0 and counter != (stream.continuity + 1) & 0x0F
        if missing and not self._discontinuity(data, at):
            self._lose(stream, counter)
        stream.continuity = counter
        payload = data[start : at + PACKET_SIZE]
        try:
            if first & 0x40:
                packets += stream.begin(payload)
            elif stream.parts is None:
                return
            else:
                stream.parts.append(payload)
                stream.size += len(payload)
        except MediaError:
            self.damaged += 1
            stream.parts = [payload]
            return
        self._after(stream, packets, stuffed=stuffed)

    def _after(self, stream: _Stream, packets: list[Packet], *, stuffed: bool) -> None:
        if stream.overflowing():
            self.damaged += 1
            return
        try:
            packets += stream.done(stuffed=stuffed)
        except MediaError:
            self.damaged += 1

    def _lose(self, stream: _Stream, counter: int) -> None:
        self.continuity_errors += 1
        stream.continuity = counter
        stream.lose()

    @staticmethod
    def _discontinuity(data: bytes, at: int) -> bool:
        return bool(data[at + 3] & 0x20 and data[at + 4] and data[at + 5] & 0x80)

    def _read_adaptation(self, data: bytes, at: int) -> tuple[int, bool]:
        """Where the payload begins, and whether the field has stuffing (section 2.4.3.4)."""
        length = data[at + 4]
        start = at + 5 + length
        if length == 0:
            return start, True
        if start > at + PACKET_SIZE:
            return at + PACKET_SIZE, False
        flags = data[at + 5]
        used = 1 + 6 * bool(flags & 0x10) + 6 * bool(flags & 0x08) + bool(flags & 0x04)
        if flags & 0x10 and length >= 7:
            base = int.from_bytes(data[at + 6 : at + 12], "big")
            self.pcr = (base >> 15) * 300 + (base & 0x1FF)
        return start, length > used and not flags & 0x03

    # Tables -------------------------------------------------------------------------------------

    def _read_other(self, data: bytes, at: int, pid: int) -> None:
        if pid != psi.PAT_PID and pid != self._pmt_pid:
            return
        flags = data[at + 3]
        start = at + 4
        if flags & 0x20:
            start += 1 + data[at + 4]
        if not flags & 0x10 or start >= at + PACKET_SIZE:
            return
        payload = data[start : at + PACKET_SIZE]
        starts = bool(data[at + 1] & 0x40)
        try:
            if pid == psi.PAT_PID:
                self._read_pat(self._pat.push(payload, starts=starts))
            else:
                self._read_pmt(self._pmt.push(payload, starts=starts))
        except MediaError:
            self.damaged += 1

    def _read_pat(self, section: bytes | None) -> None:
        if section is None:
            return
        programs = psi.parse_pat(section)
        if programs and programs[0][1] != self._pmt_pid:
            self._pmt_pid = programs[0][1]
            self._pmt = psi.SectionReader()

    def _read_pmt(self, section: bytes | None) -> None:
        if section is None:
            return
        program = psi.parse_pmt(section)
        kept: list[ElementaryStream] = []
        new: list[ElementaryStream] = []
        for entry in program.streams:
            same = self._entries.get(entry.pid) == entry and entry.pid in self._streams
            (kept if same else new).append(entry)
        self._streams = {entry.pid: self._streams[entry.pid] for entry in kept}
        self._ids = {entry.pid: self._ids[entry.pid] for entry in kept}
        self._entries = {entry.pid: entry for entry in program.streams}
        for entry in new:
            self._add(entry)
        self.tracks = {id: self.tracks[id] for id in self._ids.values() if id in self.tracks}
        for stream in self._streams.values():
            stream.reader.tracks = self.tracks

    def _add(self, entry: ElementaryStream) -> None:
        codec, framer = _identify(entry)
        if codec is None or len(self._ids) >= _MAX_TRACKS:
            return
        id = 0 if framer is None else 1
        if id in self._ids.values():
            id = next(free for free in count(2) if free not in self._ids.values())
        self._ids[entry.pid] = id
        reader: Reader
        if framer is None:
            reader = VideoReader(codec, id, self._retimer)
        else:
            reader = AudioReader(framer, id, self._retimer)
        self._streams[entry.pid] = _Stream(reader)


def _identify(entry: ElementaryStream) -> tuple[Codec | None, Framer | None]:
    """What a PMT entry carries, and how its audio frames are found."""
    kind = entry.stream_type
    registered = (entry.descriptor(Tag.REGISTRATION) or b"")[:4]
    if kind in _VIDEO:
        return _VIDEO[StreamType(kind)], None
    if kind == StreamType.AAC_ADTS:
        return Codec.AAC, AdtsFramer()
    if kind == StreamType.AAC_LATM:
        return Codec.AAC, LatmFramer()
    if kind in (StreamType.MPEG1_AUDIO, StreamType.MPEG2_AUDIO):
        return Codec.MP3, SyncFramer(Codec.MP3)
    if kind == StreamType.AC3:
        return Codec.AC3, SyncFramer(Codec.AC3)
    if kind == StreamType.EAC3:
        return Codec.EAC3, SyncFramer(Codec.EAC3)
    if kind != StreamType.PRIVATE:
        return None, None
    if registered == opus.FORMAT_IDENTIFIER:
        head = opus.config_from_descriptor(entry.descriptor(Tag.EXTENSION))
        return Codec.OPUS, opus.OpusFramer(head)
    return _identify_private(entry, registered)


def _identify_private(
    entry: ElementaryStream, registered: bytes
) -> tuple[Codec | None, Framer | None]:
    codec = _REGISTERED.get(registered)
    if codec is Codec.HEVC:
        return codec, None
    if codec is None and entry.descriptor(Tag.AC3) is not None:
        codec = Codec.AC3
    if codec is None and entry.descriptor(Tag.EAC3) is not None:
        codec = Codec.EAC3
    return (codec, SyncFramer(codec)) if codec is not None else (None, None)
