"""Really encoded packets, as the encoders of the client make them; each kind is made once."""

from __future__ import annotations

import functools
from fractions import Fraction

from gamecast.client.capture.scene import Scene
from gamecast.client.capture.testscene import new_picture
from gamecast.client.capture.tone import BLOCK, Tone
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.probe import ffmpeg_name
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.hub import Hub
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track

WALL = 1_795_000_000


@functools.cache
def encoded(
    video: str, audio: str, seconds: float, keyframe_interval: float = 1.0
) -> tuple[tuple[Track, ...], list[Packet]]:
    """Tracks and packets, in the order of their time, from zero on. Do not change them."""
    settings = VideoSettings(
        width=320,
        height=180,
        fps=Fraction(30),
        bitrate=400_000,
        codec=Codec(video),
        keyframe_interval=keyframe_interval,
    )
    pictures = VideoEncoder(ffmpeg_name("x264", settings.codec), settings)
    sound = AudioEncoder(AudioSettings(codec=Codec(audio)))
    packets: list[Packet] = []
    hub = Hub([packets.append], has_video=True)
    scene, tone, blocks = Scene(320, 180), Tone(), 0
    for index in range(round(seconds * 30)):
        while blocks * BLOCK / 48_000 <= index / 30:
            for packet in sound.encode(tone.block(blocks * BLOCK, WALL * 48_000)):
                hub.write(packet)
            blocks += 1
        frame, picture = new_picture(320, 180)
        scene.paint(picture, index / 30, WALL + index / 30)
        frame.pts, frame.time_base = index, Fraction(1, 30)
        for packet in pictures.encode(frame):
            hub.write(packet)
    for packet in pictures.flush() + sound.flush():
        hub.write(packet)
    hub.finish()
    return (pictures.track, sound.track), packets
