"""Sample entries: how ``stsd`` says what a track's samples are (14496-12, 8.5.2 and 12)."""

from __future__ import annotations

import struct
from collections.abc import Callable

from gamecast.media.codecs import opus, vp9
from gamecast.media.containers.fmp4.boxes import box, full_box
from gamecast.media.track import Codec, Color, Kind, Track

_ES_DESCRIPTOR, _DECODER_CONFIG, _DECODER_SPECIFIC, _SL_CONFIG = 3, 4, 5, 6
_AUDIO_STREAM = 0x05 << 2 | 1
_OBJECT_TYPE = {Codec.AAC: 0x40, Codec.MP3: 0x6B}
"""objectTypeIndication (14496-1 table 5)."""


def sample_entry(track: Track) -> bytes:
    """The sample entry of ``track``; ``ValueError`` where MP4 has none for its codec."""
    if track.codec not in _ENTRIES:
        raise ValueError(f"no MP4 sample entry for {track.codec}")
    kind, configuration = _ENTRIES[track.codec]
    if track.kind is Kind.AUDIO:
        return _audio(kind, track, configuration(track))
    return _visual(kind, track, configuration(track), _color(track.color))


def _visual(kind: bytes, track: Track, *boxes: bytes) -> bytes:
    """VisualSampleEntry (12.1.3): 72 dpi, one frame per sample, 24 bits deep, no name.

    There is no ``pasp``: pixels are as wide as the bitstream says, which a box would override.
    """
    head = struct.pack(
        ">6xH16xHHIIIH32xHh",
        *(1, track.width, track.height, 0x00480000, 0x00480000, 0, 1, 0x18, -1),
    )
    return box(kind, head, *boxes)


def _audio(kind: bytes, track: Track, *boxes: bytes) -> bytes:
    """AudioSampleEntry (12.2.3), whose sample rate has 16 bits; above, it is 0."""
    rate = track.sample_rate if track.sample_rate <= 0xFFFF else 0
    return box(kind, struct.pack(">6xH8xHHIHH", 1, track.channels, 16, 0, rate, 0), *boxes)


def _color(color: Color | None) -> bytes:
    """``colr`` of type ``nclx`` (12.1.5), where anything is specified."""
    if color is None or color == Color():
        return b""
    codes = (color.primaries, color.transfer, color.matrix, color.full_range << 7)
    return box(b"colr", b"nclx", struct.pack(">HHHB", *codes))


def _esds(track: Track) -> bytes:
    """``esds`` (14496-14, 5.6.1) with the descriptors of 14496-1, 7.2.6; bit rates unknown."""
    specific = _descriptor(_DECODER_SPECIFIC, track.config) if track.config else b""
    decoder = struct.pack(">BB3xII", _OBJECT_TYPE[track.codec], _AUDIO_STREAM, 0, 0) + specific
    stream = b"\x00\x00\x00" + _descriptor(_DECODER_CONFIG, decoder)
    stream += _descriptor(_SL_CONFIG, b"\x02")
    return full_box(b"esds", 0, 0, _descriptor(_ES_DESCRIPTOR, stream))


def _descriptor(tag: int, body: bytes) -> bytes:
    size = len(body)
    groups = [size & 0x7F]
    while size := size >> 7:
        groups.append(size & 0x7F | 0x80)
    return bytes([tag, *reversed(groups)]) + body


def _dops(track: Track) -> bytes:
    """Opus in ISOBMFF 4.3.2."""
    return box(b"dOps", opus.build_dops(opus.parse_opus_head(track.config)))


def _dfla(track: Track) -> bytes:
    """FLAC in ISOBMFF 3.3.2: STREAMINFO as the only metadata block."""
    return full_box(b"dfLa", 0, 0, b"\x80", len(track.config).to_bytes(3, "big"), track.config)


_AC3_RATES = (48_000, 44_100, 32_000)
_AC3_MODES = {1: (1, 0), 2: (2, 0), 3: (3, 0), 4: (6, 0), 5: (7, 0), 6: (7, 1)}
"""acmod and lfeon by channels, in the layouts that encoders use."""


def _ac3_fields(track: Track) -> tuple[int, int, int]:
    rate_code = _AC3_RATES.index(track.sample_rate) if track.sample_rate in _AC3_RATES else 0
    return rate_code, *_AC3_MODES.get(track.channels, (2, 0))


def _dac3(track: Track) -> bytes:
    """AC3SpecificBox (ETSI TS 102 366 F.4): from rate and channels, for a track has no more.

    Decoders read each frame's own header; the bit rate here is that of common encoders.
    """
    rate_code, mode, low = _ac3_fields(track)
    bit_rate_code = 10 if track.channels <= 2 else 15  # 192 and 448 kbit/s
    bits = rate_code << 22 | 8 << 17 | mode << 11 | low << 10 | bit_rate_code << 5
    return box(b"dac3", bits.to_bytes(3, "big"))


def _dec3(track: Track) -> bytes:
    """EC3SpecificBox (ETSI TS 102 366 F.6): one independent substream; see :func:`_dac3`."""
    rate_code, mode, low = _ac3_fields(track)
    data_rate = 192 if track.channels <= 2 else 448
    substream = rate_code << 22 | 16 << 17 | mode << 9 | low << 8
    return box(b"dec3", (data_rate << 3).to_bytes(2, "big"), substream.to_bytes(3, "big"))


def _vpcc(track: Track) -> bytes:
    """VP9 in ISOBMFF 2.1; VP8, which has no configuration, is always 4:2:0 with 8 bits."""
    unknown = vp9.VpConfig(0, 10, 8, 1, track.color or Color())
    return box(b"vpcC", track.config or vp9.build_vpcc(unknown))


_ENTRIES: dict[Codec, tuple[bytes, Callable[[Track], bytes]]] = {
    Codec.H264: (b"avc1", lambda track: box(b"avcC", track.config)),
    Codec.HEVC: (b"hvc1", lambda track: box(b"hvcC", track.config)),
    Codec.AV1: (b"av01", lambda track: box(b"av1C", track.config)),
    Codec.VP9: (b"vp09", _vpcc),
    Codec.VP8: (b"vp08", _vpcc),
    Codec.AAC: (b"mp4a", _esds),
    Codec.MP3: (b"mp4a", _esds),
    Codec.OPUS: (b"Opus", _dops),
    Codec.FLAC: (b"fLaC", _dfla),
    Codec.AC3: (b"ac-3", _dac3),
    Codec.EAC3: (b"ec-3", _dec3),
}
