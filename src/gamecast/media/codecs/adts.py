"""ADTS: the headers that AAC has in MPEG-TS and files (ISO/IEC 14496-3 section 1.A.3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gamecast.media.codecs.aac import SAMPLE_RATES, AacConfig, build_audio_specific_config
from gamecast.media.errors import MediaError

_MAX_FRAMES = 256
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)


@dataclass(slots=True)
class AdtsHeader:
    """One header; ``frame_length`` counts header and payload, in bytes."""

    object_type: int
    sample_rate: int
    channel_config: int
    frame_length: int
    header_length: int
    raw_blocks: int

    @property
    def config(self) -> bytes:
        """The AudioSpecificConfig that says the same; ``MediaError`` for channel layout 0."""
        channels = _CHANNELS[self.channel_config]
        return build_audio_specific_config(self.sample_rate, channels, object_type=self.object_type)


def is_adts(data: bytes) -> bool:
    """Whether ``data`` begins with an ADTS sync word and layer 0."""
    return len(data) >= 7 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0


def parse_adts(data: bytes | memoryview, position: int = 0) -> AdtsHeader:
    """Parse the header at ``position``; the payload need not be there yet."""
    head = bytes(data[position : position + 7])
    if not is_adts(head):
        raise MediaError("not an ADTS header")
    fields = int.from_bytes(head, "big")
    rate_index = fields >> 34 & 0x0F
    header_length = 7 if head[1] & 1 else 9
    frame_length = fields >> 13 & 0x1FFF
    if rate_index >= len(SAMPLE_RATES) or frame_length < header_length:
        raise MediaError("ADTS header with a reserved rate or an impossible length")
    return AdtsHeader(
        object_type=(fields >> 38 & 3) + 1,
        sample_rate=SAMPLE_RATES[rate_index],
        channel_config=fields >> 30 & 7,
        frame_length=frame_length,
        header_length=header_length,
        raw_blocks=(fields & 3) + 1,
    )


def split_adts(data: bytes) -> Iterator[tuple[AdtsHeader, bytes]]:
    """Yield header and raw data block of every whole frame; ``MediaError`` on lost sync."""
    position = 0
    for _ in range(_MAX_FRAMES):
        if position == len(data):
            return
        header = parse_adts(data, position)
        end = position + header.frame_length
        if end > len(data) or header.raw_blocks != 1:
            raise MediaError("ADTS frame is cut short or holds several blocks")
        yield header, data[position + header.header_length : end]
        position = end
    raise MediaError(f"more than {_MAX_FRAMES} ADTS frames in one packet")


def build_adts(config: AacConfig, payload_length: int) -> bytes:
    """Return the 7 bytes to put in front of a raw data block of ``payload_length`` bytes.

    ``MediaError`` where ADTS has no room for it: above 8184 bytes, other object types than 1 to
    4, other rates than the 13 listed. Channel layouts above 7 are written as 0.
    """
    length = payload_length + 7
    if length > 0x1FFF or not 1 <= config.object_type <= 4:
        raise MediaError("AAC frame does not fit in ADTS")
    if config.sample_rate not in SAMPLE_RATES:
        raise MediaError(f"ADTS has no sample rate of {config.sample_rate} Hz")
    layout = config.channel_config if config.channel_config <= 7 else 0
    fields = (
        0xFFF1 << 40
        | (config.object_type - 1) << 38
        | SAMPLE_RATES.index(config.sample_rate) << 34
        | layout << 30
        | length << 13
        | 0x7FF << 2  # adts_buffer_fullness: variable rate
    )
    return fields.to_bytes(7, "big")
