"""What a push costs, and how late it sends: ``python -m benchmarks.push_cost [SECONDS]``.

1280x720 at 30 frames a second, x264 ``low``, to an RTMP server in the same process: from a virtual
X screen with moving windows, and from the built-in scene. Delay is from the moment at which the
grabber took a picture (its own stamp) to the arrival of the last byte at the server's socket.
Processor time is that of the kernel's count per thread. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from tests.client.capture.x11.windows import Painter
from tests.client.rtmp_peer import RtmpPeer
from tests.support.events import wait_until
from tests.support.peers import require

from gamecast.client.capture import device
from gamecast.client.capture.source import Source, Timeline
from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.tone import Tone
from gamecast.client.capture.x11.grab import open_screen
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.target import parse_target
from gamecast.client.session import PushSession
from gamecast.protocols.rtmp.events import MessageReceived

WIDTH, HEIGHT, FPS = 1280, 720, Fraction(30)
SETTLE = 3.0
TICKS = os.sysconf("SC_CLK_TCK")


class Stamps:
    """When each picture was captured, by its presentation time."""

    def __init__(self, monkey: bool) -> None:
        self.captured: dict[int, float] = {}
        self._last: float | None = None
        if monkey:
            real = device._captured_at

            def noting(frame: av.VideoFrame, timeline: Timeline) -> float:
                self._last = real(frame, timeline) + timeline.origin
                return self._last - timeline.origin

            device._captured_at = noting  # a measurement may look inside

    def note(self, frame: av.VideoFrame) -> None:
        """A picture has come out of the source."""
        if frame.pts is not None:
            self.captured[frame.pts] = self._last if self._last is not None else time.monotonic()


class Arrivals(list[MessageReceived]):
    """A list of messages that knows when each came."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def append(self, message: MessageReceived) -> None:
        """One more."""
        self.at.append(time.monotonic())
        super().append(message)


@contextmanager
def moving_windows() -> Iterator[dict[str, str]]:
    """A virtual screen on which two windows are on the move."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = Path(folder) / "display"
        with numbers.open("wb") as output:
            server = subprocess.Popen(
                [
                    *(require("Xvfb"), "-displayfd", str(output.fileno()), "-nolisten", "tcp"),
                    *("-screen", "0", f"{WIDTH}x{HEIGHT}x24"),
                ],
                pass_fds=(output.fileno(),),
                stderr=subprocess.DEVNULL,
            )
        number = wait_until(lambda: numbers.read_text("ascii").strip(), "Xvfb")
        environment = {"DISPLAY": f":{number}", "HOME": folder}
        os.environ["DISPLAY"] = environment["DISPLAY"]
        stopping = threading.Event()
        with Painter(environment) as painter:
            dancing = threading.Thread(target=_dance, args=(painter, stopping), daemon=True)
            dancing.start()
            yield environment
            stopping.set()
            dancing.join()
        server.terminate()
        server.wait()


def _dance(painter: Painter, stopping: threading.Event) -> None:
    windows = [
        painter.create(f"w{n}", x=0, y=n * 300, width=400, height=260, colour=colour)
        for n, colour in enumerate((0xC04020, 0x2060C0))
    ]
    step = 0
    while not stopping.wait(1 / 60):
        step += 7
        for number, window in enumerate(windows):
            painter.move(window, step * (number + 1) % (WIDTH - 400), number * 300 + step % 90)


def thread_seconds() -> dict[str, float]:
    """Processor time of every thread so far; those that are not Python's own are the encoder's."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rsplit(") ", 1)[1].split()
        name = names.get(int(task.name), "x264's own")
        found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS
    return found


def measure(open_source: Callable[[], Source], seconds: float) -> dict[str, Any]:
    """Push from one source for so long."""
    source = open_source()
    stamps = Stamps(isinstance(source, device.DeviceSource))
    settings = VideoSettings(width=WIDTH, height=HEIGHT, fps=FPS, bitrate=3_000_000)
    with RtmpPeer() as peer:
        session = PushSession(
            sources=[source, Tone()],
            video=VideoEncoder("libx264", settings),
            audio=[AudioEncoder(AudioSettings())],
            targets=[parse_target(peer.url(), {})],
        )
        deliver = session.video

        def video(frame: av.VideoFrame) -> None:
            stamps.note(frame)
            deliver(frame)

        session.video = video  # type: ignore[method-assign]
        running = threading.Thread(target=session.run, daemon=True)
        running.start()
        peer.wait_for(lambda: bool(peer.publications))
        arrivals = peer.publications[0].messages = Arrivals()
        time.sleep(SETTLE)
        before, began, counted = thread_seconds(), time.monotonic(), session.encode_stats
        processor = time.process_time()
        start = (counted.frames_encoded, counted.encode_seconds)
        time.sleep(seconds)
        after, took = thread_seconds(), time.monotonic() - began
        processor = time.process_time() - processor
        pictures = counted.frames_encoded - start[0]
        encode_ms = (counted.encode_seconds - start[1]) * 1000 / max(1, pictures)
        lost = {"capture": counted.frames_missed, "encoder": counted.frames_skipped}
        session.stop()
        running.join(10)
    cost = {
        name: round((total - before.get(name, 0.0)) / took * 100, 1)
        for name, total in after.items()
        if total - before.get(name, 0.0) > 0.002 * took
    }
    cost["the whole process"] = round(processor / took * 100, 1)
    return {
        "fps": round(pictures / took, 1),
        "lost_pictures": lost,
        "encode_call_ms": round(encode_ms, 1),
        "percent_of_a_core": cost,
        "capture_to_socket_ms": _delays(stamps, arrivals),
    }


def _delays(stamps: Stamps, arrivals: Arrivals) -> dict[str, float]:
    base = min(stamps.captured)
    delays = []
    for message, at in zip(arrivals, arrivals.at, strict=True):
        if message.type_id == 9 and message.payload[1] == 1 and message.timestamp > SETTLE * 1000:
            wanted = base + message.timestamp * 90
            pts = min(stamps.captured, key=lambda each: abs(each - wanted))
            delays.append((at - stamps.captured[pts]) * 1000)
    delays.sort()
    share = {f"p{n}": round(delays[len(delays) * n // 100], 1) for n in (5, 50, 95, 99)}
    return share | {"mean": round(statistics.fmean(delays), 1), "pictures": len(delays)}


def main(seconds: float) -> dict[str, Any]:
    """Both sources."""
    result: dict[str, Any] = {"load_average": os.getloadavg()[0], "cores": os.cpu_count()}
    result["scene"] = measure(lambda: TestScene(WIDTH, HEIGHT, FPS), seconds)
    with moving_windows():
        result["screen"] = measure(lambda: open_screen(0, FPS), seconds)
    return result


if __name__ == "__main__":
    length = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    print(json.dumps(main(length), indent=2))  # noqa: T201
