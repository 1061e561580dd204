"""Do sound and pictures of a captured desktop stay together? ``python -m benchmarks.av_sync [S]``

A window on a virtual X screen flashes white while a click is played into a PulseAudio null sink.
``gamecast push`` captures both and publishes to a real server; ffmpeg records what a viewer gets.
A second recorder beside the sink (``parec``) says when each click could be heard, so the delay of
playing it is not counted against us. Prints one JSON object with offsets in milliseconds, sound
behind the picture being positive.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from tests.client.capture.x11.windows import Painter
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer, command
from tests.support.obs import Screen
from tests.support.peers import CURRENT_FFMPEG, require
from tests.support.process import Process
from tests.support.speaker import RATE, Speaker, listening

EVERY = 1.5
"""Seconds between flashes, and for how long each stays."""
LIGHT = 0.3
AFTER = 3.0
"""Seconds until the last event is sure to be in the recording."""
LOUD = 6000
"""Of 32767: a click begins where the sound first gets so loud."""
FORMAT = ["--raw", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=10"]


@dataclass(slots=True)
class Events:
    """When things happened, by ``time.monotonic``."""

    flashes: list[float] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)


def perform(painter: Painter, environment: dict[str, str], seconds: float, events: Events) -> None:
    """Flash and click for so long."""
    window = painter.create("flash", x=0, y=0, width=320, height=180, colour=0)
    player = subprocess.Popen(
        [require("pacat"), "--playback", "--device=game", *FORMAT],
        stdin=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert player.stdin is not None
    fcntl.fcntl(player.stdin.fileno(), fcntl.F_SETPIPE_SZ, 4096)  # 43 ms wait in it, not 700
    wave = 16_000 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 20) / RATE)
    click, silence = wave.astype("<i2").tobytes(), bytes(RATE // 100 * 2)
    begin = time.monotonic()
    clicked = lit = 0
    while (now := time.monotonic()) < begin + seconds:
        due = clicked * EVERY + 2.0
        if now - begin >= due:
            painter.paint(window, 0xFFFFFF)
            events.flashes.append(time.monotonic())
            player.stdin.write(click)
            clicked, lit = clicked + 1, 1
        else:
            if lit and now - events.flashes[-1] > LIGHT:
                painter.paint(window, 0)
                lit = 0
            player.stdin.write(silence)
        player.stdin.flush()  # blocks while the sink has enough: the sink's clock is the loop's
    player.stdin.close()
    player.wait()


def lights(path: Path) -> list[float]:
    """When the recording's picture turns white."""
    found, dark = [], False
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            bright = frame.to_ndarray(format="gray")[::8, ::8].mean() > 120
            if bright and dark:
                found.append(float(frame.time or 0))
            dark = not bright
    return found


def clicks(path: Path) -> list[float]:
    """When a click begins in the recording's sound."""
    found: list[float] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray()[0]
            loud = np.flatnonzero(np.abs(samples) > LOUD / 32768)
            at = float(frame.time or 0)
            if loud.size and (not found or at > found[-1] + EVERY / 2):
                found.append(at + int(loud[0]) / frame.sample_rate)
    return found


@contextmanager
def sound_server(folder: Path) -> Iterator[dict[str, str]]:
    """PulseAudio with a null sink; the environment that leads there."""
    address = folder / "native"
    home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    arguments = [
        *(require("pulseaudio"), "-n", "--daemonize=no", "--exit-idle-time=-1"),
        *("--use-pid-file=no", "-L", "module-null-sink sink_name=game"),
        *("-L", f"module-native-protocol-unix socket={address} auth-anonymous=1"),
    ]
    with Process(arguments, log=folder / "pulse.log", env=home) as process:
        wait_until(lambda: address.exists() or not process.running, "the sound server")
        yield {"PULSE_SERVER": f"unix:{address}", "HOME": str(folder)}


def measure(seconds: float, folder: Path) -> dict[str, Any]:
    """Run it all and compare."""
    events, recording = Events(), folder / "seen.mkv"
    screen = Screen(folder)
    with ExitStack() as stack:
        stack.enter_context(screen.process)
        sound = stack.enter_context(sound_server(folder))
        painter = stack.enter_context(Painter({"DISPLAY": screen.display, "HOME": str(folder)}))
        server = stack.enter_context(
            GamecastServer(folder, settings={"GAMECAST_AUTH__PUBLISH": "open"})
        )
        push = command(
            *("push", "--region", "320x180+0+0", "--audio", "default", "--encoder", "x264"),
            *("--bitrate", "800k", f"{server.rtmp}/live/main"),
        )
        environment = {**sound, "DISPLAY": screen.display}
        stack.enter_context(Process(push, log=folder / "push.log", env=environment))
        server.wait_on_air()
        record = [require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-i"]
        ffmpeg = stack.enter_context(
            Process(
                [*record, server.play_url("flv"), "-c", "copy", recording],
                log=folder / "ffmpeg.log",
            )
        )
        speaker = Speaker(sound, clock=time.monotonic, loud=LOUD)
        with listening(speaker):
            perform(painter, sound, seconds, events)
            time.sleep(AFTER)
        events.heard += [beep / 1000 for beep in speaker.beeps]
        ffmpeg.stop()
    return compare(events, lights(recording), clicks(recording))


def compare(events: Events, seen: list[float], heard: list[float]) -> dict[str, Any]:
    """Offsets in the recording, less those with which the events really happened."""
    real = [h - f for f, h in _pairs(events.flashes, events.heard)]
    recorded = [h - f for f, h in _pairs(seen, heard)]
    # Both end with the same event; the recording may have begun too late for the first ones.
    count = min(len(real), len(recorded))
    played = statistics.median(real)
    offsets: list[float] = [
        (there - here) * 1000 for there, here in zip(recorded[-count:], real[-count:], strict=True)
    ]
    sizes = [math.fabs(each) for each in offsets]
    third = max(1, len(offsets) // 3)
    return {
        "events": len(offsets),
        "played_late_ms": round(played * 1000, 1),
        "median_ms": round(statistics.median(offsets), 1),
        "worst_ms": round(max(sizes), 1),
        "first_third_ms": round(statistics.median(offsets[:third]), 1),
        "p95_ms": round(sorted(sizes)[int(len(offsets) * 0.95)], 1),
        "last_third_ms": round(statistics.median(offsets[-third:]), 1),
    }


def _pairs(first: list[float], second: list[float]) -> list[tuple[float, float]]:
    pairs = []
    for at in first:
        near = [other for other in second if abs(other - at) < EVERY / 2]
        if near:
            pairs.append((at, min(near, key=lambda other: abs(other - at))))
    return pairs


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        length = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
        print(json.dumps(measure(length, Path(scratch)), indent=2))  # noqa: T201
