"""Sound and pictures of the test scene, measured in a recording."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from gamecast.client.capture import clockstrip
from gamecast.client.capture.scene import PULSE_CENTRE
from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.tone import Tone
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.target import parse_target
from gamecast.client.session import PushSession
from tests.client.pictures import luma


def test_the_bell_rings_when_the_pulse_lights_up(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    settings = VideoSettings(width=320, height=180, fps=Fraction(30), bitrate=500_000)
    session = PushSession(
        sources=[TestScene(320, 180, Fraction(30)), Tone()],
        video=VideoEncoder("libx264", settings),
        audio=[AudioEncoder(AudioSettings())],
        targets=[parse_target(str(path), {})],
    )
    assert session.run(duration=3.3).ok
    lights, skews = _lights(path)
    bells = _bells(path)
    assert len(lights) >= 2
    for light in lights:
        nearest = min(bells, key=lambda bell: abs(bell - light))
        # A picture is the first after the full second, so up to a frame late.
        assert -0.010 < light - nearest < 0.040 + 1 / 30, (lights, bells)
    assert max(skews) - min(skews) < 0.2


def _lights(path: Path) -> tuple[list[float], list[float]]:
    """When the pulse lights up; and for every picture its clock minus its timestamp."""
    lights, skews, dark = [], [], False
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane, at = luma(frame), float(frame.time or 0)
            x, y = int(frame.width * PULSE_CENTRE[0]), int(frame.height * PULSE_CENTRE[1])
            bright = plane[y, x] > 150
            if bright and dark:
                lights.append(at)
            dark = not bright
            clock = clockstrip.decode(plane)
            if clock is not None:
                skews.append(clock / 1000 - at)
    return lights, skews


def _bells(path: Path) -> list[float]:
    """When a note begins, by the rise of the loudness in steps of 2 ms."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    start = float(frames[0].time or 0)
    steps = np.abs(samples[: len(samples) // 96 * 96].reshape(-1, 96)).max(axis=1)
    before = np.array(
        [steps[max(0, n - 30) : max(0, n - 4)].max(initial=0) for n in range(len(steps))]
    )
    rising = np.flatnonzero((steps > 0.08) & (steps > 4 * before))
    first = [n for n in rising if not any(n - 100 < m < n for m in rising)]
    return [start + float(n) * 0.002 for n in first]
