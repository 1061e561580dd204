"""Packet: one encoded access unit or audio frame on its way through the program."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.track import Kind, Track


@dataclass(slots=True)
class Packet:
    """One access unit (video) or frame (audio).

    H.264 and HEVC payloads are NAL units each behind a 4-byte length (ISO/IEC 14496-15), exactly
    those that the encoder sent; AV1 is a temporal unit of OBUs with sizes and without temporal
    delimiters; AAC is a raw data block without ADTS. Not ``frozen``: that quadruples the cost of
    building one, and this is built for every frame.
    """

    track: Track
    dts: int
    """Decoding time in ticks of ``track.clock_rate``; unwrapped, so it may exceed 32 bits."""
    pts: int
    """Presentation time in the same ticks; equal to ``dts`` where nothing is reordered."""
    data: bytes
    keyframe: bool = True
    """A decoder can start here (IDR, CRA/BLA, AV1 key frame). Audio frames are always ``True``."""
    wall: float = 0.0
    """Unix seconds at which the packet entered the program; 0 until the stream stamps it."""

    @property
    def is_video(self) -> bool:
        """Whether this packet belongs to a video track."""
        return self.track.kind is Kind.VIDEO
