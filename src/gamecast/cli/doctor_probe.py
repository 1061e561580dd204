"""One family of encoders, tried in a process of its own: ``python -m gamecast.cli.doctor_probe``.

Prints a JSON object: codec to the reason why it does not work, or null.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction

import av
import numpy as np

from gamecast.cli.doctor_encode import AUDIO
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.probe import probe
from gamecast.client.encode.settings import AudioSettings, EncoderError, VideoSettings
from gamecast.media.track import Codec

_FRAMES = 5
_BLOCK = 1_024


def try_video(choice: str) -> dict[str, str | None]:
    """Encode five pictures with each codec."""
    settings = VideoSettings(width=320, height=240, fps=Fraction(30), bitrate=500_000)
    codecs = (Codec.H264, Codec.HEVC, Codec.AV1)
    return {codec.value: probe(choice, codec, settings).problem for codec in codecs}


def try_audio() -> dict[str, str | None]:
    """Encode some blocks of silence with each codec."""
    return {codec.value: _audio_problem(codec) for codec in (Codec.AAC, Codec.OPUS)}


def _audio_problem(codec: Codec) -> str | None:
    try:
        encoder = AudioEncoder(AudioSettings(codec=codec))
        packets = [packet for index in range(_FRAMES) for packet in encoder.encode(_silence(index))]
        packets += encoder.flush()
    except EncoderError as error:
        return str(error)
    return None if len(packets) >= _FRAMES else f"{len(packets)} packets of {_FRAMES} blocks"


def _silence(index: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((2, _BLOCK), np.float32), "fltp", "stereo")
    frame.sample_rate = 48_000
    frame.pts = index * _BLOCK
    frame.time_base = Fraction(1, 48_000)
    return frame


if __name__ == "__main__":
    av.logging.set_level(None)
    print(json.dumps(try_audio() if sys.argv[1] == AUDIO else try_video(sys.argv[1])))  # noqa: T201
