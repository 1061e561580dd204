"""Passing a file's packets on without decoding: tracks and payloads in our form."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av

from gamecast.client.encode import bitstream
from gamecast.media.codecs import adts, audio_track, is_keyframe, video_track
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track

Stream = av.VideoStream | av.AudioStream

CODECS = {
    "h264": Codec.H264,
    "hevc": Codec.HEVC,
    "av1": Codec.AV1,
    "vp9": Codec.VP9,
    "aac": Codec.AAC,
    "opus": Codec.OPUS,
    "mp3": Codec.MP3,
    "flac": Codec.FLAC,
    "ac3": Codec.AC3,
    "eac3": Codec.EAC3,
}
"""FFmpeg's codec names that can be passed on."""


class Remuxer:
    """Turns demuxed packets into ours."""

    def __init__(self, streams: Sequence[Stream], path: str) -> None:
        """Raises ``MediaError`` with one line where a stream cannot be passed on."""
        self._ways = {stream.index: _way(stream, path) for stream in streams}

    @property
    def tracks(self) -> tuple[Track, ...]:
        """A track for every stream."""
        return tuple(track for track, _ in self._ways.values())

    def packet(self, packet: av.Packet[Any], offset: Fraction) -> Packet | None:
        """Our packet, ``offset`` seconds later; ``None`` for one without data or time."""
        if packet.dts is None or packet.size == 0:
            return None
        track, repack = self._ways[packet.stream.index]
        data = repack(bytes(packet))
        base = Fraction(packet.time_base)
        pts = packet.pts if packet.pts is not None else packet.dts
        return Packet(
            track,
            round((packet.dts * base + offset) * track.clock_rate),
            round((pts * base + offset) * track.clock_rate),
            data,
            is_keyframe(track.codec, data),
        )


def _way(stream: Stream, path: str) -> tuple[Track, bitstream.Repack]:
    name = stream.codec_context.codec.canonical_name
    codec = CODECS.get(name)
    if codec is None:
        raise MediaError(f"{name} cannot be passed on; leave out '--encoder copy'")
    extradata = stream.codec_context.extradata or b""
    if codec is Codec.AAC and not extradata:
        return _adts_way(path, stream)
    repack = bitstream.repacker(codec, extradata)
    config = bitstream.configuration(codec, extradata) if codec in _CONFIGURED else b""
    if isinstance(stream, av.VideoStream):
        return video_track(codec, config), repack
    context = stream.codec_context
    track = audio_track(codec, config, sample_rate=context.sample_rate, channels=context.channels)
    return track, repack


_CONFIGURED = frozenset(CODECS.values()) - {Codec.MP3, Codec.AC3, Codec.EAC3}


def _adts_way(path: str, stream: Stream) -> tuple[Track, bitstream.Repack]:
    """MPEG-TS and .aac files say in each frame's ADTS header what MP4 says once."""
    with av.open(path, "r") as container:
        first = next(iter(container.demux(container.streams[stream.index])), None)
        header = adts.parse_adts(bytes(first) if first is not None else b"")
    return audio_track(Codec.AAC, header.config), _without_adts


def _without_adts(data: bytes) -> bytes:
    return b"".join([payload for _, payload in adts.split_adts(data)])
