"""FFmpeg's log: silent, except where it alone knows why something failed.

An encoder that cannot be opened gives an errno such as "Operation not permitted"; that
``libcuda.so.1`` is missing stands in the log.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from av import logging as av_logging

LogLines = list[tuple[int, str, str]]
"""Level, component, message."""

# SVT-AV1 writes its banner to standard error whatever FFmpeg's level is; 0 leaves fatal errors.
os.environ.setdefault("SVT_LOG", "0")


@contextmanager
def capture_errors() -> Iterator[LogLines]:
    """Collect the error lines that FFmpeg logs on this thread while the block runs."""
    # PyAV would keep lines that repeat and bring them before the first line of the next failure.
    av_logging.set_skip_repeated(False)
    level = av_logging.get_level()
    av_logging.set_level(av_logging.ERROR)
    try:
        with av_logging.Capture(local=True) as lines:
            yield lines
    finally:
        av_logging.set_level(level)


def reason(error: Exception, lines: LogLines) -> str:
    """Why it failed, in one line: the first logged error is nearly always the cause."""
    if lines:
        return lines[0][2].strip().rstrip(".")
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
