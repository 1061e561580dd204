"""The system's GStreamer as a subprocess: from a PipeWire node to pictures in a pipe.

PyAV's FFmpeg knows no PipeWire, and the ways of sharing graphics memory that compositors use are
in GStreamer's plugin, which comes with PipeWire. Colours are converted there too, in that process:
three bytes in eight go through the pipe, and the encoder has less to do.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import av

from gamecast.client.capture.source import SourceError
from gamecast.client.capture.wayland.gstlog import DEBUG, GstLog
from gamecast.client.capture.wayland.y4m import FRAME, MAGIC, Y4mError, Y4mReader

PROGRAM, INSPECTOR = "gst-launch-1.0", "gst-inspect-1.0"
ELEMENTS = ("pipewiresrc", "videotestsrc", "videoconvert", "y4menc", "videocrop")
INSTALL = (
    "Debian, Ubuntu: apt install gstreamer1.0-tools gstreamer1.0-plugins-base "
    "gstreamer1.0-plugins-good gstreamer1.0-pipewire; "
    "Fedora: dnf install gstreamer1-plugins-base gstreamer1-plugins-good pipewire-gstreamer; "
    "Arch: pacman -S gstreamer gst-plugins-base gst-plugins-good gst-plugin-pipewire"
)
INSPECT_LIMIT = 60.0
"""Seconds for GStreamer to look through its plugins, which takes long the first time."""
PIPE_BYTES = 1 << 20
"""What the kernel lets anybody ask for; a pipe of 64 KiB switches between us all the time."""
END_LIMIT = 3.0
SETTLE = 0.5
"""Seconds in which pictures of the old size may still be under way."""


@dataclass(slots=True, frozen=True)
class Crop:
    """What to cut off, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def missing(environ: Mapping[str, str] = os.environ) -> str | None:
    """What of GStreamer is missing, and how to install it; ``None`` if nothing is."""
    inspector = shutil.which(INSPECTOR, path=environ.get("PATH"))
    if inspector is None or shutil.which(PROGRAM, path=environ.get("PATH")) is None:
        return f"GStreamer's programs are missing ({PROGRAM}): {INSTALL}"
    absent = [each for each in ELEMENTS if not _exists(inspector, each, environ)]
    return f"GStreamer lacks {', '.join(absent)}: {INSTALL}" if absent else None


def _exists(inspector: str, element: str, environ: Mapping[str, str]) -> bool:
    try:
        done = subprocess.run(
            [inspector, element],  # --exists compares versions, and PipeWire's is below GStreamer's
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=INSPECT_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def pads(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this ``y4menc`` leaves GStreamer's padding in: it is shown a picture of 10x2."""
    test = "videotestsrc num-buffers=1 ! video/x-raw,format=I420,width=10,height=2 ! y4menc"
    try:
        done = subprocess.run(
            [PROGRAM, "-q", *test.split(), "!", "fdsink"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=INSPECT_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"{PROGRAM} cannot be run: {error}") from error
    head, mark, picture = done.stdout.partition(FRAME)
    if not mark or not head.startswith(MAGIC):
        raise SourceError(f"GStreamer does not write pictures: {INSTALL}")
    return len(picture) != 10 * 2 + 2 * 5


class Pictures:
    """One process, and a thread that keeps its newest picture."""

    def __init__(
        self,
        remote: int,
        node: int,
        fps: Fraction,
        *,
        padded: bool = False,
        crop: Crop | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Start. ``remote`` is a connection to PipeWire and is closed. Raises ``SourceError``."""
        self.count = 0
        """Pictures that have come."""
        self._changed = threading.Condition()
        self._newest: av.VideoFrame | None = None
        self._held = False
        self._missed = 0
        self._over = False
        self._problem = ""
        self._padded, self._crop = padded, crop
        self._size = (0, 0)
        self._output, into = os.pipe()
        try:
            with suppress(OSError):  # the kernel's limit for pipes of one user is reached
                fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            self._process = subprocess.Popen(
                arguments(remote, node, fps, into, crop),
                env={**environ, **DEBUG},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(remote, into),
                start_new_session=True,  # Ctrl-C is for us, who end it in good order
            )
        except OSError as error:
            os.close(self._output)
            raise SourceError(f"{PROGRAM} cannot be started: {error}") from error
        finally:
            os.close(into)
            os.close(remote)
        assert self._process.stderr is not None
        self._log = GstLog(self._process.stderr)
        self._thread = threading.Thread(target=self._read, name="capture PipeWire", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether no more pictures will come."""
        return self._over or self._log.lost

    @property
    def stale(self) -> bool:
        """Whether pictures do not have the size that PipeWire has agreed on, and are not about to:
        an old plugin, which has to be started anew."""
        wrong = self._is_wrong(self._size)
        return wrong and time.monotonic() - self._log.size_at > SETTLE

    def peek(self, timeout: float) -> av.VideoFrame | None:
        """The newest picture, which stays; ``None`` if there is none in time, or ever."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._over, timeout)
            return self._newest

    def take(self, timeout: float) -> tuple[av.VideoFrame | None, int]:
        """The newest picture, once, and how many older ones nobody took."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._over, timeout)
            frame, self._newest = self._newest, None
            missed, self._missed = self._missed, 0
            self._held = False
            return frame, missed

    def put_back(self, frame: av.VideoFrame) -> None:
        """It is not its time yet: it will be taken again, unless a newer one comes."""
        with self._changed:
            if self._newest is None:
                self._newest, self._held = frame, True

    def problem(self) -> str:
        """Why it is over, in one line."""
        if self._log.lost:
            return "PipeWire has ended the stream"
        self._log.join()
        return self._problem or self._log.reason()

    def close(self) -> None:
        """End the process and the thread."""
        self._process.terminate()
        try:
            self._process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        self._log.join()
        os.close(self._output)

    def _read(self) -> None:
        reader = Y4mReader(self._output, padded=self._padded)
        try:
            while (frame := reader.read()) is not None:
                self._size = (frame.width, frame.height)
                if not self._is_wrong(self._size):
                    self._keep(frame)
        except (Y4mError, OSError, av.FFmpegError) as error:
            self._problem = f"GStreamer's pictures cannot be read: {error}"
            self._process.kill()
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _keep(self, frame: av.VideoFrame) -> None:
        with self._changed:
            self.count += 1
            self._missed += self._newest is not None and not self._held
            self._newest, self._held = frame, False
            self._changed.notify_all()

    def _is_wrong(self, size: tuple[int, int]) -> bool:
        agreed, crop = self._log.size, self._crop
        if agreed is None or not size[0]:
            return False
        if crop is not None:
            agreed = (agreed[0] - crop.left - crop.right, agreed[1] - crop.top - crop.bottom)
        return size != agreed


def arguments(
    remote: int, node: int, fps: Fraction, into: int, crop: Crop | None = None
) -> list[str]:
    """The pipeline.

    The compositor is told not to send more than the rate; where it does nevertheless, or we are
    late, the queue gives up the older picture. Nothing waits for a clock: pictures come when the
    screen changes, and have to leave at once.
    """
    limit = f"video/x-raw,max-framerate=[1/1,{max(fps, Fraction(1)).numerator}/{fps.denominator}]"
    cut = []
    if crop is not None:
        sides = ("left", "top", "right", "bottom")
        cut = ["!", "videocrop", *(f"{side}={getattr(crop, side)}" for side in sides)]
    return [
        *(PROGRAM, "-q", "pipewiresrc", f"fd={remote}", f"path={node}", "always-copy=true"),
        *("do-timestamp=true", "!", limit),
        *("!", "queue", "leaky=downstream", "max-size-buffers=1", "max-size-time=0", *cut),
        *("!", "videoconvert", "!", "video/x-raw,format=I420,colorimetry=bt709"),
        *("!", "y4menc", "!", "fdsink", f"fd={into}", "sync=false"),
    ]
