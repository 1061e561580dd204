from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog

from gamecast.server.logs import Format, configure_logging


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Take back what ``configure_logging`` changes in this process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)
    structlog.reset_defaults()


def _configured(format: Format = "json", level: str = "info") -> io.StringIO:
    out = io.StringIO()
    configure_logging(format=format, level=level, stream=out)
    return out


def test_an_event_is_one_json_object_a_line() -> None:
    out = _configured()
    log = structlog.get_logger("gamecast.x")
    log.info("rtmp.publish", channel="main", peer="192.0.2.1:5", bytes=3)
    log.warning("closed", reason="a\nb")
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert list(first)[:3] == ["timestamp", "level", "event"]
    assert (first["event"], first["level"], first["channel"]) == ("rtmp.publish", "info", "main")
    assert first["bytes"] == 3
    assert first["timestamp"].endswith("Z")
    assert second["reason"] == r"a\nb"


def test_the_console_has_one_line_an_event_without_colours_off_a_terminal() -> None:
    out = _configured("console")
    structlog.get_logger().warning("closed", reason="\x1b[2J\nforged", channel="main")
    (line,) = out.getvalue().splitlines()
    assert "\x1b" not in line
    assert "closed" in line
    assert "channel=main" in line


def test_the_level_is_kept_and_can_change() -> None:
    out = _configured(level="warning")
    log = structlog.get_logger()
    log.info("quiet")
    log.warning("loud")
    assert "quiet" not in out.getvalue()
    assert "loud" in out.getvalue()
    again = _configured(level="debug")
    log.debug("detail")
    assert "detail" in again.getvalue()
    assert "detail" not in out.getvalue()


def test_libraries_that_use_logging_take_the_same_way() -> None:
    out = _configured()
    logging.getLogger("uvicorn.error").error("Exception at %s", "/live/x?key=canary7x \x1b[31m")
    logging.getLogger("asyncio").warning("slow")
    logging.getLogger("aiosqlite").debug("executing with parameters canary7x")
    logging.getLogger("aiosqlite").info("executing with parameters canary7x")
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["uvicorn.error", "asyncio"]
    assert events[0]["message"] == r"Exception at /live/x?key=*** \x1b[31m"
    assert "canary" not in out.getvalue()


def test_access_lines_are_for_debugging() -> None:
    access = logging.getLogger("uvicorn.access")
    _configured(level="info")
    assert not access.isEnabledFor(logging.INFO)


def test_warnings_of_python_are_logged() -> None:
    out = _configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("a thing is deprecated", stacklevel=1)
    assert "a thing is deprecated" in out.getvalue()


def test_an_exception_is_logged_without_locals() -> None:
    out = _configured("console")

    def fail() -> None:
        secret_local = "canary" + "7x"
        raise ValueError(f"it broke after {len(secret_local)} letters")

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("session.failed")
    assert "it broke after 8 letters" in out.getvalue()
    assert "canary7x" not in out.getvalue()


def test_an_event_of_a_flooding_peer_is_dropped() -> None:
    out = _configured()
    for _ in range(50):
        structlog.get_logger().warning("closed", peer="192.0.2.1:1", reason="bad")
    assert len(out.getvalue().splitlines()) == 5


def test_a_log_that_cannot_be_written_breaks_nothing() -> None:
    out = _configured()
    out.close()
    structlog.get_logger().info("into the void")
    logging.getLogger("asyncio").error("into the void")


def test_a_reader_that_went_away_breaks_nothing() -> None:
    code = (
        "import structlog, sys; from gamecast.server.logs import configure_logging\n"
        "configure_logging(format='json', level='info')\n"
        "sys.stdin.read()\n"
        "for _ in range(5000): structlog.get_logger().info('x', filler='y' * 200)\n"
        "print('survived')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stderr.close()
    process.stdin.close()
    said = process.stdout.read()
    process.stdout.close()
    assert process.wait(30) == 0
    assert said == b"survived\n"
