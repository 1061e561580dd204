"""VP9: configuration record, uncompressed frame header (VP9 bitstream 6.2; VP9 in ISOBMFF 1.0)."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.codecs.bits import BitReader
from gamecast.media.errors import MediaError
from gamecast.media.track import Color

_SYNC_CODE = 0x498342
_BOX_HEAD = b"\x01\x00\x00\x00"
"""Version 1 and flags 0: ``vpcC`` is a full box."""
_MATRIX = {0: 2, 1: 5, 2: 1, 3: 6, 4: 7, 5: 9, 6: 2, 7: 0}
"""matrix_coefficients by color_space (VP9 section 7.2.2)."""
_RGB = 7


@dataclass(slots=True, frozen=True)
class VpConfig:
    """VPCodecConfigurationRecord, the body of ``vpcC`` behind version and flags."""

    profile: int
    level: int
    """Ten times the level, for example 41; 0 where it is not known."""
    bit_depth: int
    chroma_subsampling: int
    """0 or 1: 4:2:0 (sited left or with luma), 2: 4:2:2, 3: 4:4:4."""
    color: Color


@dataclass(slots=True)
class FrameHeader:
    """The start of an uncompressed header; what follows ``keyframe`` is set for keyframes only."""

    profile: int
    keyframe: bool
    show_frame: bool = True
    width: int = 0
    height: int = 0
    bit_depth: int = 8
    color_space: int = 0
    full_range: bool = False
    subsampling: tuple[int, int] = (1, 1)


def parse_vpcc(data: bytes) -> VpConfig:
    """Parse a ``vpcC`` body, with its version and flags or (as some FLV writers do) without."""
    record = data[4:] if data[:4] == _BOX_HEAD else data
    if len(record) < 8 or record[0] > 3:
        raise MediaError("vpcC is too short or of an unknown profile")
    depth, chroma = record[2] >> 4, record[2] >> 1 & 7
    if depth not in (8, 10, 12) or chroma > 3:
        raise MediaError("vpcC with an unknown bit depth or chroma format")
    color = Color(record[3], record[4], record[5], record[2] & 1 == 1)
    return VpConfig(record[0], record[1], depth, chroma, color)


def build_vpcc(config: VpConfig) -> bytes:
    """Build a ``vpcC`` body, version and flags included."""
    color = config.color
    packed = config.bit_depth << 4 | config.chroma_subsampling << 1 | color.full_range
    fields = (config.profile, config.level, packed, color.primaries, color.transfer, color.matrix)
    return _BOX_HEAD + bytes(fields) + b"\x00\x00"


def config_from_keyframe(data: bytes) -> VpConfig:
    """Return the configuration that a keyframe gives; the level is not in it."""
    header = parse_frame_header(data)
    if not header.keyframe:
        raise MediaError("VP9 frame is no keyframe")
    chroma = {(1, 1): 1, (1, 0): 2, (0, 0): 3}.get(header.subsampling, 1)
    color = Color(2, 2, _MATRIX[header.color_space], header.full_range)
    return VpConfig(header.profile, 0, header.bit_depth, chroma, color)


def codec_string(config: VpConfig) -> str:
    """VP9 in ISOBMFF section 3: ``vp09.PP.LL.DD``, with the colour part where it is not usual.

    An unknown level is written as 1.0, the lowest, which no decoder refuses.
    """
    head = f"vp09.{config.profile:02d}.{config.level or 10:02d}.{config.bit_depth:02d}"
    color = config.color
    usual_color = color.transfer in (1, 2) and color.primaries in (1, 2) and not color.full_range
    if usual_color and config.chroma_subsampling < 2:
        return head
    points = f"{color.primaries:02d}.{color.transfer:02d}.{color.matrix:02d}"
    return f"{head}.{config.chroma_subsampling:02d}.{points}.{color.full_range:02d}"


def parse_frame_header(data: bytes) -> FrameHeader:
    """Parse the uncompressed header of a frame, or of the first frame in a superframe."""
    bits = BitReader(data[:32])
    if bits.read(2) != 2:
        raise MediaError("not a VP9 frame")
    profile = bits.read(1) | bits.read(1) << 1
    if profile == 3:
        bits.skip(1)
    if bits.flag():  # show_existing_frame
        return FrameHeader(profile, keyframe=False)
    header = FrameHeader(profile, keyframe=not bits.flag(), show_frame=bits.flag())
    if header.keyframe:
        bits.skip(1)  # error_resilient_mode
        if bits.read(24) != _SYNC_CODE:
            raise MediaError("VP9 keyframe without its sync code")
        _parse_color(bits, header)
        header.width, header.height = bits.read(16) + 1, bits.read(16) + 1
    return header


def _parse_color(bits: BitReader, header: FrameHeader) -> None:
    if header.profile >= 2:
        header.bit_depth = 12 if bits.flag() else 10
    header.color_space = bits.read(3)
    odd_profile = header.profile in (1, 3)
    if header.color_space == _RGB:
        header.full_range = True
        header.subsampling = (0, 0)
        bits.skip(odd_profile)
        return
    header.full_range = bits.flag()
    if odd_profile:
        header.subsampling = (bits.read(1), bits.read(1))
        bits.skip(1)


def is_keyframe(data: bytes) -> bool:
    """Whether a packet begins with a keyframe."""
    return parse_frame_header(data).keyframe
