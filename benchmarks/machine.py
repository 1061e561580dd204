"""Which core runs what, and programs that run there."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gamecast import __version__

SERVER_CORE = 0
LOAD_CORE = 1


def describe() -> str:
    """One line: processor, cores, kernel, Python."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Gamecast {__version__}, Python {platform.python_version()}"
    )


def use_cores(server: int, load: int) -> None:
    """Other cores than the first two."""
    global SERVER_CORE, LOAD_CORE
    SERVER_CORE, LOAD_CORE = server, load


def load_average() -> float:
    """Of the last minute: on a busy machine, figures are worth less."""
    return os.getloadavg()[0]


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started inside runs on this core, and this process too until the end."""
    before = os.sched_getaffinity(0)
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setaffinity(0, {core} & before or before)
    with contextlib.suppress(PermissionError):
        # Neighbours shall not be measured; niceness alone means little between sessions (sched(7),
        # "The autogroup feature").
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, policy, parameters)


@contextlib.contextmanager
def program(
    arguments: Sequence[str | Path], *, core: int, log: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child process on one core, ended at the end."""
    with on_core(core), log.open("ab") as output:
        child = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def gamecast(*arguments: str | Path) -> list[str | Path]:
    """The program as a user starts it."""
    return [sys.executable, "-m", "gamecast", *arguments]


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until TCP is accepted. Raises ``RuntimeError`` with the log if the child ends first."""
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nobody listens:\n{log.read_text()[-3000:]}")
        time.sleep(0.005)


def wait_for(
    condition: Path, child: subprocess.Popen[bytes], log: Path, seconds: float = 30
) -> None:
    """Wait until a file exists. Raises ``RuntimeError`` with the log if the child ends first."""
    deadline = time.monotonic() + seconds
    while not condition.exists():
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{condition.name} did not come:\n{log.read_text()[-3000:]}")
        time.sleep(0.005)
