"""Decoders of a worker process: one packet in, the pictures or samples that it completes out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.codec.context import ThreadType

from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track

_DECODERS = {
    Codec.H264: "h264",
    Codec.HEVC: "hevc",
    Codec.AV1: "libdav1d",
    Codec.VP8: "vp8",
    Codec.VP9: "vp9",
    Codec.AAC: "aac",
    Codec.OPUS: "libopus",
    Codec.MP3: "mp3float",
    Codec.FLAC: "flac",
    Codec.AC3: "ac3",
    Codec.EAC3: "eac3",
}
_MAX_PIXELS = 8192 * 4352
"""The largest picture of H.264 level 6.2; more is an attack on the memory."""
_LENGTH_SIZE_AT = {Codec.H264: 4, Codec.HEVC: 21}
"""Where ``avcC`` and ``hvcC`` give the size of the NAL unit lengths."""
MAX_ERRORS = 300
"""Packets in a row that give nothing but errors, before the line is given up."""


class DecodeError(Exception):
    """The track cannot be decoded."""


class Decoder:
    """Decodes one track. Packets that are broken are counted and passed over."""

    def __init__(self, track: Track, *, threads: int = 1) -> None:
        """Open it; raises :class:`DecodeError`."""
        self.track = track
        self.errors = 0
        """Packets in a row that could not be decoded."""
        self._time_base = Fraction(1, track.clock_rate)
        name = _DECODERS[track.codec]
        try:
            self._context = av.CodecContext.create(name, "r")
            self._configure(track, threads)
            self._context.open()
        except (av.FFmpegError, ValueError, OverflowError) as error:
            raise DecodeError(f"{name}: {reason(error)}") from None

    def _configure(self, track: Track, threads: int) -> None:
        context: Any = self._context
        config = _decoder_config(track)
        if config and track.codec is not Codec.VP9:
            context.extradata = config
        context.options = {"max_pixels": str(_MAX_PIXELS)}
        if track.kind is Kind.AUDIO:
            context.sample_rate = track.sample_rate
            return
        context.thread_count = threads
        context.thread_type = ThreadType.SLICE  # threads per frame would add a frame of delay each
        if track.codec is Codec.AV1:
            context.options |= {"max_frame_delay": "1"}

    def decode(self, packet: Packet, *, needed: bool = True) -> list[Any]:
        """Return frames in presentation order, their ``pts`` in ticks of the track.

        Where no picture is ``needed`` those that nothing refers to are not decoded. Raises
        :class:`DecodeError` when nothing has been decodable for long.
        """
        if not packet.data:
            return []  # to FFmpeg that is the end of the stream
        context: Any = self._context
        if self.track.kind is Kind.VIDEO:
            context.skip_frame = "DEFAULT" if needed else "NONREF"
        unit: av.Packet[Any] = av.Packet(packet.data)
        unit.pts, unit.dts, unit.time_base = packet.pts, packet.dts, self._time_base
        unit.is_keyframe = packet.keyframe
        try:
            frames: list[Any] = context.decode(unit)
        except (av.FFmpegError, ValueError) as error:
            self.errors += 1
            if self.errors >= MAX_ERRORS:
                raise DecodeError(f"{_DECODERS[self.track.codec]}: {reason(error)}") from None
            return []
        if frames:
            self.errors = 0
        return frames

    def drain(self) -> list[Any]:
        """The frames that are still inside. The decoder takes no more packets."""
        try:
            context: Any = self._context
            frames: list[Any] = context.decode(None)
        except (av.FFmpegError, ValueError):
            return []
        return frames


def reason(error: Exception) -> str:
    """What an exception of PyAV's says, without the arguments of the call that it quotes."""
    return getattr(error, "strerror", None) or str(error)


def _decoder_config(track: Track) -> bytes:
    config = bytearray(track.config)
    at = _LENGTH_SIZE_AT.get(track.codec)
    if at is not None and len(config) > at:
        config[at] |= 3  # packets have 4-byte lengths, whatever the publisher used
    elif track.codec is Codec.OPUS and len(config) >= 12:
        # A live packet is played at its time from the first sample on (RFC 7587 knows no
        # pre-skip), and a listener may join anywhere.
        config[10:12] = b"\x00\x00"
    return bytes(config)
