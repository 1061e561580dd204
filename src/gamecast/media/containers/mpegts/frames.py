"""Framers: the audio frames in a run of PES payloads, each found by its own sync."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from gamecast.media.codecs import ac3, mp3
from gamecast.media.codecs.adts import parse_adts
from gamecast.media.codecs.tracks import audio_track, track_from_frame
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec, Track


@dataclass(slots=True)
class Frame:
    """One audio frame found in a buffer, from ``start`` to ``end``."""

    start: int
    end: int
    payload: bytes
    config: Hashable
    """Equal for two frames that a decoder reads with one configuration."""


class Framer(Protocol):
    """Finds the frames of one kind of elementary stream."""

    def next(self, data: bytes, position: int) -> Frame | None:
        """The first whole frame at or after ``position``; ``None`` if more bytes are needed."""

    def track(self, frame: Frame, id: int) -> Track:
        """The track that a frame describes. Raises ``MediaError``."""


class AdtsFramer:
    """AAC with ADTS headers (ISO/IEC 14496-3 section 1.A.3.2)."""

    def next(self, data: bytes, position: int) -> Frame | None:
        """The next frame; bytes that are none are passed over."""
        while position + 7 <= len(data):
            try:
                header = parse_adts(data, position)
            except MediaError:
                position = _next_byte(data, position + 1, 0xFF)
                continue
            if header.raw_blocks != 1:
                position = _next_byte(data, position + 1, 0xFF)
                continue
            end = position + header.frame_length
            if end > len(data):
                return None
            return Frame(position, end, data[position + header.header_length : end], header.config)
        return None

    def track(self, frame: Frame, id: int) -> Track:
        """AAC as the ADTS header says; SBR is left for decoders to find."""
        return audio_track(Codec.AAC, as_bytes(frame.config), id=id)


def as_bytes(config: Hashable) -> bytes:
    """A configuration that is bytes; ``TypeError`` for a frame of another framer."""
    if not isinstance(config, bytes):
        raise TypeError("not a frame of this framer")
    return config


class SyncFramer:
    """MP3, AC-3 and E-AC-3: frames that begin with a sync word and say their length."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._sync = 0xFF if codec is Codec.MP3 else 0x0B
        self._length: Callable[[bytes], int] = _mp3_length if codec is Codec.MP3 else _ac3_length

    def next(self, data: bytes, position: int) -> Frame | None:
        """The next frame; bytes that are none are passed over."""
        while position + 8 <= len(data):
            head = data[position : position + 16]
            try:
                length = self._length(head)
                config = self._config(head)
            except MediaError:
                position = _next_byte(data, position + 1, self._sync)
                continue
            end = position + length
            return Frame(position, end, data[position:end], config) if end <= len(data) else None
        return None

    def track(self, frame: Frame, id: int) -> Track:
        """What the frame header says."""
        return track_from_frame(self._codec, frame.payload, id=id)

    def _config(self, head: bytes) -> Hashable:
        if self._codec is Codec.MP3:
            mpeg = mp3.parse_frame_header(head)
            return mpeg.sample_rate, mpeg.channels
        sync = ac3.parse_frame_header(head)
        if sync.enhanced is not (self._codec is Codec.EAC3):
            raise MediaError("AC-3 of the other kind")
        return sync.sample_rate, sync.channels


def _next_byte(data: bytes, start: int, byte: int) -> int:
    found = data.find(byte, start)
    return found if found >= 0 else len(data)


_MP3_KBPS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
"""Layer III bitrates of MPEG-1, and of MPEG-2 and 2.5 (ISO/IEC 11172-3 section 2.4.2.3)."""


def _mp3_length(head: bytes) -> int:
    header = mp3.parse_frame_header(head)
    index = head[2] >> 4
    if header.layer != 3 or not 0 < index < 15:
        raise MediaError("MPEG audio that is not layer III, or of free format")
    kbps = _MP3_KBPS[header.samples == 576][index]
    return header.samples * kbps * 125 // header.sample_rate + (head[2] >> 1 & 1)


_AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)


def _ac3_length(head: bytes) -> int:
    header = ac3.parse_frame_header(head)
    if header.enhanced:
        return 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    rate_code, code = head[4] >> 6, head[4] & 0x3F
    if code >> 1 >= len(_AC3_KBPS):
        raise MediaError("AC-3 frame size code is reserved")
    kbps = _AC3_KBPS[code >> 1]
    if rate_code == 0:
        return kbps * 4
    return kbps * 6 if rate_code == 2 else 2 * (kbps * 320 // 147 + (code & 1))
