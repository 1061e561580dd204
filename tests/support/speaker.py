"""What comes out of a program's loudspeaker: a sound server of its own, and somebody who listens.

WebAudio hears a remote track some 40 ms later than the loudspeaker plays it, so
what a person hears is measured behind the sound server and not in the page.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.support.peers import require
from tests.support.pulse import sound_server

RATE = 48_000
LOUD = 3000
"""Of 32767: a beep begins where the sound first gets so loud."""
QUIET = 0.5
"""Seconds after a beep in which there is no other."""
RECORD = [
    *("--device=game.monitor", "--raw", "--format=s16le", f"--rate={RATE}", "--channels=1"),
    "--latency-msec=10",
]


@dataclass(slots=True)
class Speaker:
    """A loudspeaker for programs that are started with its environment."""

    environment: dict[str, str]
    clock: Callable[[], float] = time.time
    loud: int = LOUD
    beeps: list[float] = field(default_factory=list)
    """When each began, in milliseconds of ``clock``; since 1970 is what a page's clock has."""

    def listen(self, descriptor: int) -> None:
        """Note the beeps of recorded sound until it ends."""
        quiet_until = 0.0
        while data := os.read(descriptor, 4096):
            now = self.clock()
            samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(int)
            loud = np.flatnonzero(np.abs(samples) > self.loud)
            if loud.size and now > quiet_until:
                self.beeps.append((now - (samples.size - int(loud[0])) / RATE) * 1000)
                quiet_until = now + QUIET


@contextmanager
def loudspeaker(folder: Path) -> Iterator[Speaker]:
    """One that is listened to; ``folder`` holds the sound server's files."""
    with sound_server(folder) as address:
        speaker = Speaker({"PULSE_SERVER": address})
        with listening(speaker):
            yield speaker


@contextmanager
def listening(speaker: Speaker) -> Iterator[None]:
    """Note its beeps meanwhile."""
    recorder = subprocess.Popen(
        [require("parec"), *RECORD],
        stdout=subprocess.PIPE,
        env={**os.environ, **speaker.environment},
    )
    assert recorder.stdout is not None
    with recorder.stdout as sound:
        ear = threading.Thread(target=speaker.listen, args=(sound.fileno(),), name="ear")
        ear.start()
        try:
            yield
        finally:
            recorder.terminate()
            recorder.wait(10)
            ear.join(10)
