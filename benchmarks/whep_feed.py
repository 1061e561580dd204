"""A paced RTMP publisher whose every picture says when it was written."""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass

from gamecast.media.codecs import audio_track, video_track
from gamecast.media.codecs.opus import OpusConfig, build_opus_head
from gamecast.media.containers.flv.writer import TagWriter
from gamecast.media.packet import Packet
from gamecast.media.track import VIDEO_CLOCK_RATE, Codec
from gamecast.protocols.rtmp.client import ClientConnection
from gamecast.protocols.rtmp.events import PublishStarted
from gamecast.protocols.rtmp.urls import parse_url

# x264's SPS and PPS for 1280x720 high profile without B-frames, as avcC.
AVCC = bytes.fromhex(
    "0164000dffe100196764000dacd941419f9e10000003001000000303c0f142996001000668ebe3cb22c0fdf8f800"
)
STAMP_OFFSET = 2
"""Where the stamp begins in a slice: behind the NAL header and a byte that says "first slice"."""
STAMP_SIZE = 24
"""Hexadecimal digits: 16 of the clock in nanoseconds, 8 of the picture's number."""
_OPUS_MS = 20
_KEYFRAME_TIMES = 6
"""A keyframe is this many times as large as other pictures."""


@dataclass(slots=True, kw_only=True)
class FeedSettings:
    """What is published."""

    bitrate: int = 6_000_000
    fps: int = 60
    group_seconds: float = 2.0
    opus_bitrate: int = 128_000

    @property
    def group(self) -> int:
        """Pictures from keyframe to keyframe."""
        return round(self.fps * self.group_seconds)

    @property
    def picture_bytes(self) -> int:
        """Size of a picture that is no keyframe, so that the whole has ``bitrate``."""
        per_group = (self.bitrate - self.opus_bitrate) / 8 * self.group_seconds
        return round(per_group / (self.group - 1 + _KEYFRAME_TIMES))


class Feed:
    """Publishes until it is cancelled. Pictures are noise in the shape of H.264 slices."""

    def __init__(self, settings: FeedSettings) -> None:
        self._settings = settings
        opus = build_opus_head(OpusConfig(channels=2))
        self._video = video_track(Codec.H264, AVCC)
        self._audio = audio_track(Codec.OPUS, opus)
        self._writer = TagWriter([self._video, self._audio])
        noise = random.Random(1)
        # No zero bytes: then nothing in it can look like a start code.
        self._noise = bytes(noise.choices(range(1, 256), k=256 * 1024))
        self._sound = noise.randbytes(settings.opus_bitrate * _OPUS_MS // 8000)

    async def run(self, url: str) -> None:
        """Connect, publish, go on in real time."""
        target = parse_url(url)
        reader, writer = await asyncio.open_connection(target.host, target.port)
        connection = ClientConnection(time.monotonic(), random_bytes=os.urandom)
        connection.connect(target.tc_url, target.app)
        connection.publish(target.name)
        started = False
        while not started:
            writer.write(connection.data_to_send())
            data = await reader.read(65536)
            if not data:
                raise ConnectionError("the server closed the publisher's connection")
            events = connection.receive_data(data, time.monotonic())
            started = any(isinstance(event, PublishStarted) for event in events)
        draining = asyncio.create_task(_drain(reader))
        try:
            await self._publish(connection, writer)
        finally:
            draining.cancel()
            writer.close()

    async def _publish(self, connection: ClientConnection, writer: asyncio.StreamWriter) -> None:
        for message in self._writer.sequence_headers(0):
            writer.write(connection.send_media(*message))
        begin, number, sound = time.monotonic(), 0, 0
        while True:
            await asyncio.sleep(begin + number / self._settings.fps - time.monotonic())
            while sound * _OPUS_MS / 1000 <= number / self._settings.fps:
                ticks = sound * self._audio.clock_rate * _OPUS_MS // 1000
                packet = Packet(self._audio, ticks, ticks, b"\xfc" + self._sound)
                writer.write(connection.send_media(*self._writer.message(packet)))
                sound += 1
            message = self._writer.message(self._picture(number))
            writer.write(connection.send_media(*message))
            number += 1

    def _picture(self, number: int) -> Packet:
        keyframe = number % self._settings.group == 0
        size = self._settings.picture_bytes * (_KEYFRAME_TIMES if keyframe else 1)
        stamp = b"%016x%08x" % (time.time_ns(), number)
        start = number * 7919 % (len(self._noise) - size)
        head = b"\x65\x88" if keyframe else b"\x41\x9a"
        unit = head + stamp + self._noise[start : start + size - len(stamp) - 2]
        ticks = number * VIDEO_CLOCK_RATE // self._settings.fps
        data = len(unit).to_bytes(4, "big") + unit
        return Packet(self._video, ticks, ticks, data, keyframe=keyframe)


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass
