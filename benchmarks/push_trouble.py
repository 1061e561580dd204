"""A push in trouble, against the real server: ``python -m benchmarks.push_trouble``.

First an uplink that carries 1 Mbit/s for 20 s (a relay), with pictures that fill 2.5 Mbit/s; then a
server that is killed and started again. Prints one JSON object.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from tests.client.noise import Noise
from tests.client.slow_line import SlowLine
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer
from tests.support.peers import CURRENT_FFMPEG, require

from gamecast.client.capture.tone import Tone
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.stats import State
from gamecast.client.push.target import parse_target
from gamecast.client.session import PushSession
from gamecast.media.track import Codec

FULL, NARROW = 2_500_000, 1_000_000
NARROW_FOR = 20.0


class Push:
    """Noise and a tone to one URL."""

    def __init__(self, url: str) -> None:
        settings = VideoSettings(width=320, height=180, fps=Fraction(30), bitrate=FULL)
        codec = Codec.OPUS if url.startswith("whip") else Codec.AAC
        self.session = PushSession(
            sources=[Noise(), Tone()],
            video=VideoEncoder("libx264", settings),
            audio=[AudioEncoder(AudioSettings(codec=codec))],
            targets=[parse_target(url, {})],
        )
        self.stats = self.session.destinations[0].stats
        self._thread = threading.Thread(target=self.session.run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self.session.stop()
        self._thread.join(20)


def narrow_uplink(folder: Path) -> dict[str, Any]:
    """Bitrate and queue through 20 s at 1 Mbit/s, and what a viewer got of the sound."""
    seen = folder / "seen.mkv"
    with ExitStack() as stack:
        settings = {"GAMECAST_AUTH__PUBLISH": "open"}
        server = stack.enter_context(GamecastServer(folder, settings=settings))
        with SlowLine(server.rtmp_address[1]) as line:
            push = Push(line.url("main"))
            server.wait_on_air()
            record = [require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-t", "75", "-i"]
            viewer = subprocess.Popen([*record, server.play_url("flv"), "-c", "copy", str(seen)])
            time.sleep(5)
            line.rate = NARROW
            rates, queues = _watch(push, NARROW_FOR)
            line.rate = 1e9
            began = time.monotonic()
            full = push.session.encode_stats
            wait_until(lambda: full.target_bitrate >= FULL, "the full bitrate", within=90)
            back = time.monotonic() - began
            push.stop()
            viewer.wait(90)
    return {
        "bitrate_lowest": min(rates),
        "bitrate_at_the_end": rates[-1],
        "queue_longest_s": round(max(queues), 2),
        "queue_at_the_end_s": round(queues[-1], 2),
        "full_again_after_s": round(back, 1),
        "pictures_dropped": push.stats.frames_dropped,
        "longest_step_of_sound_ms": _longest_step(seen),
    }


def _watch(push: Push, seconds: float) -> tuple[list[int], list[float]]:
    rates, queues = [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rates.append(push.session.encode_stats.target_bitrate)
        queues.append(push.stats.queue_seconds)
        time.sleep(0.05)
    return rates, queues


def _longest_step(path: Path) -> float:
    """Milliseconds between neighbouring frames of sound, at most."""
    with av.open(str(path), "r") as container:
        base = container.streams.audio[0].time_base or Fraction(1, 1000)
        times = [packet.pts * base for packet in container.demux(audio=0) if packet.pts is not None]
    return round(float(max(b - a for a, b in pairwise(times))) * 1000, 1)


def killed_server(folder: Path, protocol: str) -> dict[str, Any]:
    """Seconds from the server's return until its stream is on air again."""
    settings = {"GAMECAST_AUTH__PUBLISH": "open"}
    first = GamecastServer(folder, settings=settings).start()
    ports = {name: first.ready[name].rsplit(":", 1)[1] for name in ("http", "rtmp", "ice")}
    url = f"{first.rtmp}/live/main"
    if protocol == "whip":
        url = first.http.replace("http:", "whip:") + "/live/main/whip"
    push = Push(url)
    first.wait_on_air()
    assert first.process is not None
    first.process.kill()
    killed = time.monotonic()
    (first.data_dir / "ready.json").unlink()
    wait_until(lambda: push.stats.state is State.RECONNECTING, "the loss", within=20)
    noticed = time.monotonic() - killed
    time.sleep(6)
    options = tuple(word for name in ports for word in (f"--{name}-port", ports[name]))
    with GamecastServer(folder, settings=settings, options=options) as second:
        returned = time.monotonic()
        second.wait_on_air()
        back = time.monotonic() - returned
        push.stop()
    return {"noticed_after_s": round(noticed, 2), "on_air_after_return_s": round(back, 2)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        found: dict[str, Any] = {}
        for kind in ("rtmp", "whip"):
            place = Path(scratch) / kind
            place.mkdir()
            found[f"server killed, {kind}"] = killed_server(place, kind)
        place = Path(scratch) / "narrow"
        place.mkdir()
        found["1 Mbit/s for 20 s"] = narrow_uplink(place)
        print(json.dumps(found, indent=2))  # noqa: T201
