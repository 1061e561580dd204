"""How fast this machine can publish to a server: measured by publishing noise for some seconds."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

import av
import numpy as np

from gamecast.client.encode.settings import VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.destination import Destination
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.registry import make_destination
from gamecast.client.push.stats import State
from gamecast.client.push.target import Target
from gamecast.media.packet import Packet
from gamecast.media.track import VIDEO_CLOCK_RATE, Track

FPS = 30
SIZE = (640, 360)
OFFERED = 60_000_000
"""Bits per second that are offered; faster lines are measured as this."""
STOCK = 6
"""Different pictures; they are sent again and again."""
CONNECT = 15.0
WARM_UP = 1.0
"""Seconds that do not count: buffers fill."""
SAFE_SHARE = 0.75
"""Of the measured rate that a stream should use."""


class UploadError(Exception):
    """The server could not be published to; one clear line."""


def safe_bitrate(measured: float) -> int:
    """What a stream should use of a measured rate, in whole 100 kbit/s."""
    return int(measured * SAFE_SHARE) // 100_000 * 100_000


def measure_upload(target: Target, *, seconds: float = 5.0) -> float:
    """Bits per second that got through. Raises ``UploadError``."""
    changed = threading.Condition()

    def note() -> None:
        with changed:
            changed.notify_all()

    network = NetworkThread()
    destination = make_destination(
        target, network, on_change=note, on_keyframe=note, keep_trying=False
    )
    try:
        track, stock = _noise()
        destination.start((track,), {"encoder": "Gamecast upload test"})
        with changed:
            settled = (State.LIVE, State.FAILED)
            changed.wait_for(lambda: destination.stats.state in settled, CONNECT)
        if destination.stats.state is not State.LIVE:
            raise UploadError(destination.stats.problem or "the server does not answer")
        return _send(destination, stock, seconds)
    finally:
        destination.finish(1.0)
        network.close()


def _send(destination: Destination, stock: list[Packet], seconds: float) -> float:
    """Offer pictures at their rate; the rate at which the network took them."""
    begun = time.monotonic()
    counted_from, counted_bytes = begun, 0
    for index in range(round(seconds * FPS)):
        packet = stock[index % STOCK]
        ticks = index * VIDEO_CLOCK_RATE // FPS
        destination.write(Packet(packet.track, ticks, ticks, packet.data, keyframe=True))
        now = time.monotonic()
        if not counted_bytes and now - begun >= WARM_UP:
            counted_from, counted_bytes = now, destination.stats.bytes_sent
        time.sleep(max(0.0, begun + (index + 1) / FPS - now))
        if destination.stats.state is not State.LIVE:
            raise UploadError(destination.stats.problem or "the connection was lost")
    sent = destination.stats.bytes_sent - counted_bytes
    return sent * 8 / max(1e-3, time.monotonic() - counted_from)


def _noise() -> tuple[Track, list[Packet]]:
    """Pictures that cannot be compressed, each a keyframe."""
    width, height = SIZE
    settings = VideoSettings(
        width=width,
        height=height,
        fps=Fraction(FPS),
        bitrate=OFFERED,
        keyframe_interval=1 / FPS,
    )
    encoder = VideoEncoder("libx264", settings)
    random = np.random.default_rng()
    packets: list[Packet] = []
    for index in range(STOCK):
        planes = random.integers(16, 235, (height * 3 // 2, width), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        packets += encoder.encode(frame)
    return encoder.track, packets
