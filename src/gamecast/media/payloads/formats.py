"""The payload format of a codec."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.media.errors import MediaError
from gamecast.media.payloads.av1 import Av1Depacketizer, Av1Packetizer
from gamecast.media.payloads.base import DEFAULT_MTU, Depacketizer, Packetizer
from gamecast.media.payloads.h264 import H264Depacketizer, H264Packetizer
from gamecast.media.payloads.hevc import HevcDepacketizer, HevcPacketizer
from gamecast.media.payloads.opus import OpusDepacketizer, OpusPacketizer
from gamecast.media.payloads.vp8 import Vp8Depacketizer, Vp8Packetizer
from gamecast.media.payloads.vp9 import Vp9Depacketizer, Vp9Packetizer
from gamecast.media.track import Codec, Track

_DEPACKETIZERS: dict[Codec, Callable[[], Depacketizer]] = {
    Codec.H264: H264Depacketizer,
    Codec.HEVC: HevcDepacketizer,
    Codec.AV1: Av1Depacketizer,
    Codec.VP8: Vp8Depacketizer,
    Codec.VP9: Vp9Depacketizer,
    Codec.OPUS: OpusDepacketizer,
}


def make_packetizer(track: Track, *, mtu: int = DEFAULT_MTU) -> Packetizer:
    """The packetizer of a track, with its configuration; ``mtu`` is the longest payload in bytes.

    Raises ``MediaError`` for codecs that RTP cannot carry here (AAC: transcode it to Opus).
    """
    match track.codec:
        case Codec.H264:
            return H264Packetizer(track.config, mtu=mtu)
        case Codec.HEVC:
            return HevcPacketizer(track.config, mtu=mtu)
        case Codec.AV1:
            return Av1Packetizer(track.config, mtu=mtu)
        case Codec.VP8:
            return Vp8Packetizer(mtu=mtu)
        case Codec.VP9:
            return Vp9Packetizer(mtu=mtu)
        case Codec.OPUS:
            return OpusPacketizer()
        case _:
            raise MediaError(f"no RTP payload format for {track.codec}")


def make_depacketizer(codec: Codec) -> Depacketizer:
    """The depacketizer of a codec. Raises ``MediaError`` as :func:`make_packetizer` does."""
    factory = _DEPACKETIZERS.get(codec)
    if factory is None:
        raise MediaError(f"no RTP payload format for {codec}")
    return factory()
