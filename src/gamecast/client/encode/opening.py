"""Which kind of encoder serves a name: PyAV's own, or one in an ``ffmpeg`` process."""

from __future__ import annotations

from typing import Protocol

import av

from gamecast.client.encode.pipe import PipeEncoder
from gamecast.client.encode.settings import VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.media.packet import Packet
from gamecast.media.track import Track


class PictureEncoder(Protocol):
    """One open encoder of pictures, used by one thread."""

    name: str
    settings: VideoSettings
    bitrate: int
    track: Track

    def change_bitrate(self, bitrate: int) -> None:
        """Encode at ``bitrate`` bits per second from the next picture on."""

    def encode(self, frame: av.VideoFrame, *, keyframe: bool = False) -> list[Packet]:
        """Encode a picture; raises ``EncoderError``."""

    def flush(self) -> list[Packet]:
        """What is still inside, at the end."""


def open_encoder(name: str, settings: VideoSettings) -> PictureEncoder:
    """Open an encoder by FFmpeg's name; raises ``EncoderError``."""
    if name.endswith("_vaapi"):
        return PipeEncoder(name, settings)
    return VideoEncoder(name, settings)
