"""Structured logs on stderr: coloured lines for people, or one JSON object per line.

Every event, also those of libraries that log through ``logging`` (uvicorn, asyncio), takes the same
way: rate limit per peer, redaction, escaping, rendering. An event is a dotted name with fields,
``log.info("rtmp.publish", channel=…, peer=…)``; what a peer chose needs no care by the caller.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

from gamecast.server.logs_clean import EventDict, clean_event
from gamecast.server.logs_limit import PeerLimit

Format = Literal["console", "json"]

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure_logging(
    *,
    format: Format,
    level: str,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Set up all logging of this process; calling it again replaces the set-up.

    Give uvicorn ``log_config=None``, or it would set up its own.
    """
    out = stream if stream is not None else sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            PeerLimit(clock=clock),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            clean_event,
            *_renderers(format, out),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_args: _LineWriter(out),
        cache_logger_on_first_use=False,
    )
    _route_stdlib(LEVELS[level])


class _LineWriter:
    """Writes finished lines. A log that cannot be written must not end the session that logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one event."""
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # closed, or the reader of the pipe is gone
            return

    debug = info = warning = error = critical = exception = fatal = log = msg


class _Bridge(logging.Handler):
    """Hands records of the standard library's ``logging`` to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record as an event named after its logger."""
        try:
            structlog.get_logger().log(
                record.levelno,
                record.name,
                message=record.getMessage(),
                exc_info=record.exc_info or None,
            )
        except Exception:
            self.handleError(record)


def _renderers(format: Format, out: TextIO) -> list[Processor]:
    if format == "json":
        return [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _begin_with_what_matters,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    colors = out.isatty() and "NO_COLOR" not in os.environ
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(
            colors=colors, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _begin_with_what_matters(_logger: Any, _method: str, event: EventDict) -> EventDict:
    first = {name: event.pop(name) for name in ("timestamp", "level", "event")}
    return {**first, **event}


def _route_stdlib(level: int) -> None:
    root = logging.getLogger()
    root.handlers = [_Bridge()]
    # Libraries tell statements and their parameters below WARNING (aiosqlite does).
    root.setLevel(max(level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    # One line per playlist request of every viewer helps nobody but a debugger.
    logging.getLogger("uvicorn.access").setLevel(logging.INFO if level <= 10 else logging.WARNING)
    logging.captureWarnings(True)
