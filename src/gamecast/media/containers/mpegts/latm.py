"""LatmFramer: AAC in LOAS/LATM, as DVB encoders send it (ISO/IEC 14496-3 section 1.7)."""

from __future__ import annotations

from gamecast.media.codecs.bits import BitReader, BitWriter
from gamecast.media.codecs.tracks import audio_track
from gamecast.media.containers.mpegts.frames import Frame, as_bytes
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec, Track

_SYNC = 0x56E0
_EXPLICIT_SBR = (5, 29)


class LatmFramer:
    """One program, one layer, one frame per element: all that is in use. Else ``MediaError``."""

    def __init__(self) -> None:
        self._config = b""

    def next(self, data: bytes, position: int) -> Frame | None:
        """The next AudioSyncStream element that has a known configuration."""
        while position + 3 <= len(data):
            if data[position] != 0x56 or data[position + 1] & 0xE0 != _SYNC & 0xFF:
                found = data.find(0x56, position + 1)
                position = found if found >= 0 else len(data)
                continue
            end = position + 3 + ((data[position + 1] & 0x1F) << 8 | data[position + 2])
            if end > len(data):
                return None
            try:
                payload = self._element(data[position + 3 : end])
            except MediaError:
                position += 2
                continue
            if self._config and payload:
                return Frame(position, end, payload, self._config)
            position = end
        return None

    def track(self, frame: Frame, id: int) -> Track:
        """AAC as StreamMuxConfig says."""
        return audio_track(Codec.AAC, as_bytes(frame.config), id=id)

    def _element(self, data: bytes) -> bytes:
        """AudioMuxElement(1) of section 1.7.3.1: the payload of its one frame."""
        bits = BitReader(data)
        if not bits.flag():  # useSameStreamMux
            self._config = _read_stream_mux_config(bits)
        elif not self._config:
            return b""
        size = 0
        while True:  # PayloadLengthInfo
            part = bits.read(8)
            size += part
            if part != 255:
                break
        if size * 8 > bits.remaining:
            raise MediaError("LATM payload reaches past the end of its element")
        return bits.read(size * 8).to_bytes(size, "big")


def _read_stream_mux_config(bits: BitReader) -> bytes:
    """StreamMuxConfig (section 1.7.3.1, table 1.42); the AudioSpecificConfig in it."""
    if bits.flag():
        raise MediaError("LATM of audioMuxVersion 1 is not supported")
    bits.skip(1)  # allStreamsSameTimeFraming
    if bits.read(6) or bits.read(4) or bits.read(3):
        raise MediaError("LATM with several frames, programs or layers is not supported")
    config = _copy_audio_specific_config(bits)
    if bits.read(3):  # frameLengthType
        raise MediaError("LATM frames of a fixed length are not supported")
    bits.skip(8)  # latmBufferFullness
    if bits.flag():  # otherDataPresent
        while bits.flag():
            bits.skip(8)
        bits.skip(8)
    if bits.flag():  # crcCheckPresent
        bits.skip(8)
    return config


def _copy_audio_specific_config(bits: BitReader) -> bytes:
    """AudioSpecificConfig of AAC-LC, with or without explicit SBR and PS (section 1.6.2.1)."""
    out = BitWriter()

    def copy(count: int) -> int:
        value = bits.read(count)
        out.write(value, count)
        return value

    def copy_rate() -> None:
        if copy(4) == 15:
            copy(24)

    outer = copy(5)
    copy_rate()
    layout = copy(4)
    core = outer
    if outer in _EXPLICIT_SBR:
        copy_rate()
        core = copy(5)
    if core != 2 or not layout:
        raise MediaError("LATM with other audio than AAC-LC in a standard layout")
    copy(1)  # frameLengthFlag
    if copy(1):  # dependsOnCoreCoder
        copy(14)
    copy(1)  # extensionFlag
    return out.to_bytes()
