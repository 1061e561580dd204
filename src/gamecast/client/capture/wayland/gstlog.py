"""What GStreamer says while it runs: why it failed, and the size that PipeWire agreed on.

The ``pipewiresrc`` of PipeWire 0.3 takes a new size without telling the elements after it, which
go on to read pictures of the old one, and waits for ever for a stream that has ended; all that is
seen of either is a line of its debugging log.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from typing import IO

DEBUG = {"GST_DEBUG": "pipewiresrc:5", "GST_DEBUG_NO_COLOR": "1"}
"""Environment in which those lines are written."""
KEPT = 20
_FORMAT = re.compile(r"we got format .*width=\(int\)(\d+), height=\(int\)(\d+)")
_LOST = re.compile(r"got stream state (unconnected|error)")
_DEBUGGING = re.compile(r"^\d+:\d\d:\d\d\.\d+ ")


class GstLog:
    """Reads the process's standard error in a thread until its end."""

    def __init__(self, stream: IO[bytes]) -> None:
        """``stream`` is closed at its end."""
        self.size: tuple[int, int] | None = None
        """Width and height that PipeWire has agreed on."""
        self.size_at = 0.0
        """When, by ``time.monotonic``."""
        self.lost = False
        """PipeWire has ended the stream, or itself."""
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._thread = threading.Thread(
            target=self._read, args=(stream,), name="capture log", daemon=True
        )
        self._thread.start()

    def reason(self) -> str:
        """Why it ended, in one line; to be asked after ``join``."""
        errors = [line for line in self._lines if "ERROR" in line or "erroneous" in line]
        first = (errors or list(self._lines) or [""])[0]
        return f"GStreamer: {first[:200]}" if first else "GStreamer ended without a word"

    def join(self) -> None:
        """Wait for its end, which is that of the process."""
        self._thread.join()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace").strip()
                if found := _FORMAT.search(line):
                    self.size_at = time.monotonic()
                    self.size = (int(found[1]), int(found[2]))
                elif _LOST.search(line):
                    self.lost = True
                elif line and not _DEBUGGING.match(line):
                    self._lines.append(line.replace(os.sep + "GstPipeline:pipeline0", ""))
