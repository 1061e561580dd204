"""Build a Track from a codec and its configuration."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from gamecast.media.codecs import aac, ac3, av1, flac, h264, hevc, mp3, opus, vp8, vp9
from gamecast.media.codecs.hevc_vps import parse_vps_fps
from gamecast.media.errors import MediaError
from gamecast.media.track import VIDEO_CLOCK_RATE, Codec, Kind, Track

_MAX_SAMPLE_RATE = 384_000
_MAX_CHANNELS = 64


def video_track(
    codec: Codec, config: bytes, *, id: int = 0, width: int = 0, height: int = 0
) -> Track:
    """Return a video ``Track`` with everything that ``config`` says of it.

    ``config`` is the body of ``avcC``, ``hvcC``, ``av1C`` or ``vpcC``; empty for VP8. ``width``
    and ``height`` are for VP8 and VP9, whose configuration has none (``vp8.frame_size``,
    ``vp9.parse_frame_header``), and for AV1 without a sequence header.
    Raises ``MediaError`` when ``config`` is malformed, ``ValueError`` for an audio codec.
    """
    base = Track(
        id=id,
        kind=Kind.VIDEO,
        codec=codec,
        clock_rate=VIDEO_CLOCK_RATE,
        config=config,
        width=width,
        height=height,
    )
    match codec:
        case Codec.H264:
            return _h264(base)
        case Codec.HEVC:
            return _hevc(base)
        case Codec.AV1:
            return _av1(base)
        case Codec.VP9:
            return _vp9(base)
        case Codec.VP8:
            return replace(base, config=b"", codec_string="vp8")
    raise ValueError(f"{codec} is no video codec")


def _h264(base: Track) -> Track:
    config = h264.parse_avcc(base.config)
    sps = h264.parse_sps(config.sps[0])
    return replace(
        base,
        codec_string=h264.codec_string(config),
        width=sps.width,
        height=sps.height,
        fps=sps.vui.fps,
        reorder_depth=sps.reorder_depth,
        color=sps.vui.color,
    )


def _hevc(base: Track) -> Track:
    config = hevc.parse_hvcc(base.config)
    sps = hevc.parse_sps(config.sps[0])
    return replace(
        base,
        codec_string=hevc.codec_string(sps.profile),
        width=sps.width,
        height=sps.height,
        fps=sps.fps or _vps_fps(config),
        reorder_depth=sps.reorder_depth,
        color=sps.color,
    )


def _vps_fps(config: hevc.HevcConfig) -> Fraction | None:
    try:
        return parse_vps_fps(config.vps[0]) if config.vps else None
    except MediaError:  # a player reads no frame rate from it either
        return None


def _av1(base: Track) -> Track:
    config = av1.parse_av1c(base.config)
    header = av1.sequence_header(config.obus)
    if header is None:
        return replace(base, codec_string=av1.codec_string(config))
    return replace(
        base,
        codec_string=av1.codec_string(config, header.color),
        width=header.width,
        height=header.height,
        fps=header.fps,
        color=header.color,
    )


def _vp9(base: Track) -> Track:
    config = vp9.parse_vpcc(base.config)
    return replace(
        base,
        config=vp9.build_vpcc(config),
        codec_string=vp9.codec_string(config),
        color=config.color,
    )


def audio_track(
    codec: Codec, config: bytes, *, id: int = 1, sample_rate: int = 0, channels: int = 0
) -> Track:
    """Return an audio ``Track`` with everything that ``config`` says of it.

    ``config`` is the AudioSpecificConfig, the ``OpusHead`` packet or FLAC's STREAMINFO (also
    behind ``fLaC``); it is empty for MP3, AC-3 and E-AC-3, for which ``sample_rate`` (Hz) and
    ``channels`` come from the first frame header. Opus without a configuration is taken as that
    many channels (2 where not given) without pre-skip.

    ``clock_rate`` is the sample rate: 48 000 for Opus; of the core for HE-AAC (see ``aac``).
    Raises ``MediaError`` when ``config`` is malformed or missing, ``ValueError`` for a video codec.
    """
    match codec:
        case Codec.AAC:
            return _aac(id, config)
        case Codec.OPUS:
            return _opus(id, config, channels or 2)
        case Codec.FLAC:
            return _flac(id, config)
        case Codec.MP3 | Codec.AC3 | Codec.EAC3:
            samples = {Codec.MP3: 1152 if sample_rate >= 32_000 else 576, Codec.AC3: 1536}
            return _bare(codec, id, sample_rate, channels, samples.get(codec, 0))
    raise ValueError(f"{codec} is no audio codec")


def _audio(codec: Codec, id: int, config: bytes, rate: int, channels: int) -> Track:
    if not 0 < rate <= _MAX_SAMPLE_RATE or not 0 < channels <= _MAX_CHANNELS:
        raise MediaError(f"{codec} track of {channels} channels at {rate} Hz")
    return Track(
        id=id,
        kind=Kind.AUDIO,
        codec=codec,
        clock_rate=rate,
        config=config,
        sample_rate=rate,
        channels=channels,
    )


def _aac(id: int, config: bytes) -> Track:
    parsed = aac.parse_audio_specific_config(config)
    return replace(
        _audio(Codec.AAC, id, config, parsed.sample_rate, parsed.channels),
        codec_string=parsed.codec_string,
        samples_per_frame=parsed.samples_per_frame,
    )


def _opus(id: int, config: bytes, channels: int) -> Track:
    config = config or opus.build_opus_head(opus.OpusConfig(channels))
    parsed = opus.parse_opus_head(config)
    track = _audio(Codec.OPUS, id, config, opus.CLOCK_RATE, parsed.channels)
    return replace(track, codec_string="opus")


def _flac(id: int, config: bytes) -> Track:
    block = flac.find_stream_info(config)
    info = flac.parse_stream_info(block)
    return replace(
        _audio(Codec.FLAC, id, block, info.sample_rate, info.channels),
        codec_string="fLaC",
        samples_per_frame=info.samples_per_frame,
    )


_NAMES = {Codec.MP3: "mp4a.40.34", Codec.AC3: "ac-3", Codec.EAC3: "ec-3"}


def _bare(codec: Codec, id: int, rate: int, channels: int, samples: int) -> Track:
    track = _audio(codec, id, b"", rate, channels)
    return replace(track, codec_string=_NAMES[codec], samples_per_frame=samples)


def track_from_frame(codec: Codec, data: bytes, *, id: int) -> Track:
    """Return the ``Track`` that a first packet describes, where no configuration is sent.

    Video needs a keyframe: VP8, VP9, AV1 with a sequence header. Audio: MP3, AC-3, E-AC-3.
    Raises ``MediaError`` when the packet does not say, ``ValueError`` for any other codec.
    """
    match codec:
        case Codec.VP8:
            width, height = vp8.frame_size(data)
            return video_track(codec, b"", id=id, width=width, height=height)
        case Codec.VP9:
            config = vp9.build_vpcc(vp9.config_from_keyframe(data))
            header = vp9.parse_frame_header(data)
            return video_track(codec, config, id=id, width=header.width, height=header.height)
        case Codec.AV1:
            return video_track(codec, av1.build_av1c(data), id=id)
        case Codec.MP3:
            frame = mp3.parse_frame_header(data)
            return _bare(codec, id, frame.sample_rate, frame.channels, frame.samples)
        case Codec.AC3 | Codec.EAC3:
            sync = ac3.parse_frame_header(data)
            return _bare(codec, id, sync.sample_rate, sync.channels, sync.samples)
    raise ValueError(f"{codec} needs a configuration")
