"""AAC: AudioSpecificConfig both ways (ISO/IEC 14496-3 section 1.6).

HE-AAC halves the rate of its core: a stream heard at 48 kHz has a 24 kHz core of 1024 samples per
frame. Time is counted in the core's samples, which is what FLV and MP4 writers agree on and
which is right whether a decoder knows SBR or not.
"""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.codecs.bits import BitReader, BitWriter
from gamecast.media.errors import MediaError

SAMPLE_RATES = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip
"""Rates by samplingFrequencyIndex (table 1.18)."""

AAC_LC = 2
SBR = 5
ER_AAC_LD = 23
PS = 29
ER_AAC_ELD = 39
USAC = 42

_ESCAPE_RATE = 15
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 13: 24, 14: 8}
"""Channels by channelConfiguration (table 1.19)."""
_GENERAL_AUDIO = frozenset({1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23})
_SYNC_SBR = 0x2B7
_SYNC_PS = 0x548
_MIN_RATE, _MAX_RATE = 1000, 192_000


@dataclass(slots=True)
class AacConfig:
    """A parsed AudioSpecificConfig."""

    object_type: int
    """Of the core: 2 for AAC-LC, also in HE-AAC."""
    sample_rate: int
    """Of the core, in Hz: the clock of the track."""
    channel_config: int
    channels: int
    """As heard: 2 for parametric stereo on a mono core, counted from the PCE for 0."""
    samples_per_frame: int = 1024
    """In the core's samples; 0 where the configuration does not give it."""
    sbr: bool = False
    ps: bool = False
    output_sample_rate: int = 0
    """As heard; twice ``sample_rate`` in most SBR streams."""

    @property
    def codec_string(self) -> str:
        """RFC 6381 section 3.3: ``mp4a.40.`` and the outermost object type."""
        outer = PS if self.ps else SBR if self.sbr else self.object_type
        return f"mp4a.40.{outer}"


def parse_audio_specific_config(data: bytes) -> AacConfig:
    """Parse an AudioSpecificConfig with explicit, implicit or no SBR and PS signalling.

    Raises ``MediaError`` when it is cut short, has a reserved rate or no channel.
    """
    if not 2 <= len(data) <= 512:
        raise MediaError("AudioSpecificConfig is empty, cut short or too long")
    bits = BitReader(data)
    object_type = _read_object_type(bits)
    rate = _read_rate(bits)
    config = AacConfig(object_type, rate, bits.read(4), 0, output_sample_rate=rate)
    if object_type in (SBR, PS):
        config.sbr, config.ps = True, object_type == PS
        config.output_sample_rate = _read_rate(bits)
        config.object_type = _read_object_type(bits)
    config.channels = _CHANNELS.get(config.channel_config, 0)
    _parse_specific(bits, config)
    if not config.sbr:
        _parse_sync_extension(bits, config)
    if config.ps:
        config.channels = 2
    if not config.channels:
        raise MediaError("AudioSpecificConfig without a known channel layout")
    return config


def _read_object_type(bits: BitReader) -> int:
    object_type = bits.read(5)
    return 32 + bits.read(6) if object_type == 31 else object_type


def _read_rate(bits: BitReader) -> int:
    index = bits.read(4)
    if index == _ESCAPE_RATE:
        rate = bits.read(24)
        if not _MIN_RATE <= rate <= _MAX_RATE:
            raise MediaError(f"AAC sample rate of {rate} Hz is out of bounds")
        return rate
    if index >= len(SAMPLE_RATES):
        raise MediaError(f"AAC sample rate index {index} is reserved")
    return SAMPLE_RATES[index]


def _parse_specific(bits: BitReader, config: AacConfig) -> None:
    if config.object_type == ER_AAC_ELD:
        config.samples_per_frame = 480 if bits.flag() else 512
    elif config.object_type in _GENERAL_AUDIO:
        _parse_general_audio(bits, config)
    else:
        config.samples_per_frame = 0


def _parse_general_audio(bits: BitReader, config: AacConfig) -> None:
    """GASpecificConfig of section 4.4.1."""
    short = bits.flag()  # frameLengthFlag
    full = 512 if config.object_type == ER_AAC_LD else 1024
    config.samples_per_frame = full * 15 // 16 if short else full
    if bits.flag():  # dependsOnCoreCoder
        bits.skip(14)
    bits.skip(1)  # extensionFlag
    if config.channel_config == 0:
        config.channels = read_program_config(bits)


def read_program_config(bits: BitReader) -> int:
    """Read a program_config_element (section 4.4.1.1) and return its number of channels."""
    bits.skip(4 + 2 + 4)
    front, side, back = bits.read(4), bits.read(4), bits.read(4)
    low, associated, coupling = bits.read(2), bits.read(3), bits.read(4)
    for size in (4, 4, 3):  # mono, stereo and matrix mixdown
        if bits.flag():
            bits.skip(size)
    channels = low
    for _ in range(front + side + back):
        channels += 1 + bits.read(1)
        bits.skip(4)
    bits.skip(4 * low + 4 * associated + 5 * coupling)
    bits.align()
    bits.skip(8 * bits.read(8))
    return channels


def _parse_sync_extension(bits: BitReader, config: AacConfig) -> None:
    """Backward compatible signalling behind the core's configuration (section 1.6.6.1)."""
    if bits.remaining < 16 or bits.read(11) != _SYNC_SBR or _read_object_type(bits) != SBR:
        return
    try:
        config.sbr = bits.flag()
        if config.sbr:
            config.output_sample_rate = _read_rate(bits)
            config.ps = bits.remaining >= 12 and bits.read(11) == _SYNC_PS and bits.flag()
    except MediaError:
        config.sbr = False


def build_audio_specific_config(
    sample_rate: int, channels: int, *, object_type: int = AAC_LC
) -> bytes:
    """Build the AudioSpecificConfig of plain AAC with 1024 samples per frame.

    ``MediaError`` for a number of channels that no channelConfiguration stands for.
    """
    layouts = {count: layout for layout, count in reversed(_CHANNELS.items())}
    if channels not in layouts or not _MIN_RATE <= sample_rate <= _MAX_RATE:
        raise MediaError(f"no AudioSpecificConfig for {channels} channels at {sample_rate} Hz")
    bits = BitWriter()
    bits.write(object_type, 5)
    if sample_rate in SAMPLE_RATES:
        bits.write(SAMPLE_RATES.index(sample_rate), 4)
    else:
        bits.write(_ESCAPE_RATE, 4)
        bits.write(sample_rate, 24)
    bits.write(layouts[channels], 4)
    bits.write(0, 3)  # frameLengthFlag, dependsOnCoreCoder, extensionFlag
    return bits.to_bytes()
