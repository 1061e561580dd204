"""Synthetic packets: real codec configurations, invented payloads, exact timestamps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gamecast.media.codecs import audio_track, video_track
from gamecast.media.packet import Packet
from gamecast.media.track import VIDEO_CLOCK_RATE, Codec, Track

# Made with: ffmpeg -f lavfi -i testsrc2=s=320x180:r=30 -c:v libx264 (SPS and PPS as avcC)
AVCC = bytes.fromhex(
    "0164000dffe100196764000dacd941419f9e10000003001000000303c0f142996001000668ebe3cb22c0fdf8f800"
)
AAC_48K_STEREO = bytes.fromhex("1190")


def h264_track(config: bytes = AVCC) -> Track:
    """A 320x180 H.264 video track."""
    return video_track(Codec.H264, config)


def aac_track() -> Track:
    """A 48 kHz stereo AAC-LC track."""
    return audio_track(Codec.AAC, AAC_48K_STEREO)


OPUS_SAMPLES = 960
"""20 ms, where the track does not say."""


@dataclass(slots=True, kw_only=True)
class Feed:
    """Packets as an encoder would send them, sound and picture interleaved by time."""

    video: Track | None
    audio: Track | None
    fps: int = 30
    group: int = 60
    """Frames from keyframe to keyframe."""
    frame_bytes: int = 100
    first_frame: int = 0
    wall: float = 1_700_000_000.0

    def packets(self, seconds: float) -> Iterator[Packet]:
        """The next ``seconds`` of media; going on where the last call stopped."""
        frames = round(seconds * self.fps)
        for frame in range(self.first_frame, self.first_frame + frames):
            if self.video is not None:
                yield self._frame(self.video, frame)
            if self.audio is not None:
                yield from self._sound(self.audio, frame)
        self.first_frame += frames

    def _frame(self, track: Track, frame: int) -> Packet:
        dts = frame * VIDEO_CLOCK_RATE // self.fps
        keyframe = frame % self.group == 0
        kind = 0x65 if keyframe else 0x41
        body = bytes([kind]) + frame.to_bytes(4, "big") + bytes(self.frame_bytes)
        data = len(body).to_bytes(4, "big") + body
        wall = self.wall + frame / self.fps
        return Packet(track, dts, dts, data, keyframe=keyframe, wall=wall)

    def _sound(self, track: Track, frame: int) -> Iterator[Packet]:
        step = track.samples_per_frame or OPUS_SAMPLES
        begin = frame * track.sample_rate // self.fps
        end = (frame + 1) * track.sample_rate // self.fps
        for number in range(-(-begin // step), -(-end // step)):
            dts = number * step
            wall = self.wall + dts / track.sample_rate
            # 0x7c: for Opus, one CELT frame of 20 ms (RFC 6716 section 3.1)
            yield Packet(track, dts, dts, b"\x7c" + number.to_bytes(4, "big"), wall=wall)


def av_feed(**changes: int) -> Feed:
    """Picture and sound."""
    return Feed(video=h264_track(), audio=aac_track(), **changes)
