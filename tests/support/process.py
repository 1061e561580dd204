"""A child process with a log file, that never outlives its test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.events import wait_until


class Process:
    """Start ``arguments`` at once, both outputs going to ``log``.

    The process leads a group of its own, so that ``kill`` reaches what it started too.
    """

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        self.arguments = [str(argument) for argument in arguments]
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **env} if env else None,
                cwd=cwd,
                start_new_session=True,
                pass_fds=pass_fds,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    @property
    def output(self) -> str:
        """All that it has written so far."""
        return self.log.read_text("utf-8", errors="replace")

    def wait(self, timeout: float = 30.0) -> int:
        """Wait for its end and return the exit status; too late is a failure that shows its log."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.arguments[0]} still runs after {timeout:g} s:\n{self.output[-4000:]}"
            ) from None

    def finish(self, timeout: float = 30.0) -> str:
        """Wait for a successful end and return what it wrote."""
        status = self.wait(timeout)
        assert status == 0, f"{' '.join(self.arguments)}: status {status}\n{self.output[-4000:]}"
        return self.output

    def wait_for_output(self, text: str, *, timeout: float = 15.0) -> None:
        """Wait until ``text`` is in its log."""
        wait_until(
            lambda: text in self.output or not self.running,
            f"{text!r} in {self.log}",
            within=timeout,
        )
        assert text in self.output, f"{self.arguments[0]} ended:\n{self.output[-4000:]}"

    def signal(self, number: signal.Signals) -> None:
        """Send one signal to the process itself (``SIGSTOP`` makes a reader that stops reading)."""
        self._popen.send_signal(number)

    def stop(self, *, timeout: float = 15.0) -> int:
        """Ask it to end, as an init system would, and return its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        """End the whole group without asking."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
