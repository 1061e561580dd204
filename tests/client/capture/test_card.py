"""WASAPI and CoreAudio have no machine here; ``soundcard``'s PulseAudio has the same interface."""

from __future__ import annotations

import atexit
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gamecast.client.capture.sound import card
from gamecast.client.capture.sound.card import CardSound, heard, named
from gamecast.client.capture.source import SourceError, Timeline
from tests.client.pictures import pts
from tests.client.sinks import Recorder
from tests.support.peers import require
from tests.support.pulse import sound_server

SPEAKERS = CardSound("{out}", "Speakers (Realtek Audio)", True, 8)
HEADSET = CardSound("{in}", "Microphone (Realtek Audio)", False, 1)
BLACKHOLE = CardSound("52", "BlackHole 2ch", False, 2)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """PulseAudio with one null sink, and ``soundcard`` connected to it; its folder."""
    with sound_server(tmp_path) as address:
        monkeypatch.setenv("PULSE_SERVER", address)
        monkeypatch.setattr(sys, "argv", ["gamecast"])  # soundcard fails for xdist's "-c"
        card.library()
        pulse = sys.modules["soundcard.pulseaudio"]._pulse
        yield tmp_path
        atexit.unregister(pulse._shutdown)
        pulse._shutdown()
    for name in ("soundcard.pulseaudio", "soundcard"):
        del sys.modules[name]


def test_what_is_played_is_recorded_at_its_time(server: Path) -> None:
    """A second of 440 Hz after silence: its frequency, length and place."""
    assert [each.hears_output for each in card.sounds()] == [True]
    path = server / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        tone = 12_000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
        file.writeframes(np.repeat(tone.astype("<i2"), 2).tobytes())
    source, sink, timeline = card.open_system_sound(), Recorder(), Timeline.begin()
    assert source.audio_format is not None
    assert source.audio_format.channels == 2
    source.start(sink, timeline)
    sink.wait_for(audio=5)
    begun = timeline.now()
    subprocess.run([require("paplay"), path], check=True, timeout=20)
    heard_until = len(sink.audio_frames)
    sink.wait_for(audio=heard_until + 10)
    source.stop()
    assert sink.errors == [None]
    samples = np.concatenate([each.to_ndarray().reshape(-1, 2)[:, 0] for each in sink.audio_frames])
    places = np.concatenate([pts(each) + np.arange(each.samples) for each in sink.audio_frames])
    loud = np.flatnonzero(np.abs(samples) > 0.05)
    assert loud[-1] - loud[0] == pytest.approx(48_000, rel=0.02)
    part = samples[loud[0] + 4800 : loud[0] + 28_800]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    assert np.argmax(spectrum) * 48_000 / len(part) == pytest.approx(440, abs=3)
    assert begun - 0.05 < places[loud[0]] / 48_000 < begun + 1.5


def test_a_device_that_goes_ends_the_feed_and_not_the_source(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sink is unloaded and loaded again, as when somebody pulls the plug and puts it back."""

    def control(*words: str) -> None:
        subprocess.run([require("pactl"), *words], check=True, timeout=20, capture_output=True)

    monkeypatch.setattr(card, "RETRY", 0.1)
    source, sink = card.open_sound_device("null output"), Recorder()
    source.start(sink, Timeline.begin())
    sink.wait_for(audio=5)
    control("unload-module", "module-null-sink")
    control("load-module", "module-null-sink", "sink_name=game")
    had = len(sink.audio_frames)
    sink.wait_for(audio=had + 20)
    source.stop()
    assert sink.errors == [None]


def test_no_sound_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    with pytest.raises(SourceError, match="no sound system"):
        card.sounds()
    monkeypatch.setitem(sys.modules, "soundcard", None)
    with pytest.raises(SourceError, match="'soundcard' is not installed"):
        card.open_system_sound()


def test_what_hears_the_speaker() -> None:
    other = CardSound("{hdmi}", "HDMI", True, 2)
    assert heard([HEADSET, other, SPEAKERS], "{out}") is SPEAKERS
    assert heard([HEADSET, BLACKHOLE], "49") is BLACKHOLE
    with pytest.raises(SourceError, match="install a driver such as BlackHole"):
        heard([HEADSET], "49")


def test_a_device_by_a_part_of_its_name_is_a_microphone_if_it_can_be() -> None:
    found = [SPEAKERS, HEADSET]
    assert named(found, "realtek") is HEADSET
    assert named(found, "speakers") is SPEAKERS
    assert named(found, "{out}") is SPEAKERS
    with pytest.raises(SourceError, match=r"no sound source 'guitar'; there are: 'Microphone"):
        named(found, "guitar")
