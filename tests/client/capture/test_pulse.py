"""Against a real sound server with a null sink."""

from __future__ import annotations

import os
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gamecast.client.capture.sound import libpulse
from gamecast.client.capture.sound.libpulse import PulseError
from gamecast.client.capture.sound.pulse import open_sound_device, open_system_sound
from gamecast.client.capture.source import SourceError, Timeline
from tests.client.pictures import pts
from tests.client.sinks import Recorder
from tests.support.peers import require
from tests.support.pulse import sound_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """PulseAudio with one null sink; its folder. ``PULSE_SERVER`` leads there."""
    folder = tmp_path_factory.mktemp("pulse")
    before = os.environ.get("PULSE_SERVER")
    with sound_server(folder) as address:
        os.environ["PULSE_SERVER"] = address
        yield folder
    if before is None:
        del os.environ["PULSE_SERVER"]
    else:
        os.environ["PULSE_SERVER"] = before


def test_sources_are_listed(server: Path) -> None:
    (source,) = libpulse.sources()
    assert source.name == "game.monitor"
    assert source.is_monitor


def test_what_is_played_is_recorded_at_its_time(server: Path) -> None:
    """A second of 440 Hz; the recorder gets its frequency, its length and a steady clock."""
    path = server / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        tone = 12_000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
        file.writeframes(np.repeat(tone.astype("<i2"), 2).tobytes())
    source, sink, timeline = open_system_sound(), Recorder(), Timeline.begin()
    source.start(sink, timeline)
    sink.wait_for(audio=20)
    begun = timeline.now()
    subprocess.run([require("paplay"), path], check=True, timeout=20)
    heard = len(sink.audio_frames)
    sink.wait_for(audio=heard + 30)
    source.stop()
    samples = np.concatenate(
        [frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in sink.audio_frames]
    )
    loud = np.flatnonzero(np.abs(samples) > 0.05)
    assert len(loud) > 0
    length = loud[-1] - loud[0]
    assert length == pytest.approx(48_000, rel=0.02)
    part = samples[loud[0] + 4800 : loud[0] + 4800 + 24_000]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    assert np.argmax(spectrum) * 48_000 / len(part) == pytest.approx(440, abs=3)
    frame, sample = divmod(int(loud[0]), sink.audio_frames[0].samples)
    onset = (pts(sink.audio_frames[frame]) + sample) / 48_000
    assert begun - 0.05 < onset < begun + 1.5
    ages = timeline.now() - pts(sink.audio_frames[-1]) / 48_000
    assert ages < 1


def test_a_device_by_a_part_of_its_name(server: Path) -> None:
    source = open_sound_device("null out")
    assert source.name == "sound Monitor of Null Output"
    source.stop()
    with pytest.raises(SourceError, match=r"no sound source 'guitar'; there are: game.monitor"):
        open_sound_device("guitar")


def test_no_server(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{server}/nobody")
    with pytest.raises(PulseError):
        libpulse.sources()
    with pytest.raises(SourceError, match="cannot be recorded: Connection refused"):
        open_system_sound()
    with pytest.raises(SourceError, match="no sound server"):
        open_sound_device("x")
