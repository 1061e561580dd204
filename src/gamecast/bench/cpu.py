"""CPU time of processes, from the kernel (proc(5))."""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads. Raises ``OSError`` if it is gone."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def kernel_seconds(pid: int) -> float:
    """The part of it that the kernel used for the process."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return int(fields[12]) / _TICK


def waiting_seconds(pid: int) -> float:
    """Time that a process's first thread wanted a core and had none (schedstat)."""
    return int((Path("/proc") / str(pid) / "schedstat").read_text().split()[1]) / 1e9


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in RAM."""
    pages = int((Path("/proc") / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class CpuMeter:
    """Share of one core that some processes used since the meter was made."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        self._begin = time.monotonic()
        self._before = self._spent()
        self._kernel_before = self._kernel()
        self._waited = self._waiting()

    def waiting(self) -> float:
        """Seconds of waiting for a core per second: above some per cent, neighbours were loud."""
        return (self._waiting() - self._waited) / (time.monotonic() - self._begin)

    def share(self) -> float:
        """CPU seconds per second."""
        return (self._spent() - self._before) / (time.monotonic() - self._begin)

    def kernel_share(self) -> float:
        """The kernel's part of it."""
        return (self._kernel() - self._kernel_before) / (time.monotonic() - self._begin)

    def _kernel(self) -> float:
        return sum(kernel_seconds(pid) for pid in self._pids)

    def _spent(self) -> float:
        return sum(cpu_seconds(pid) for pid in self._pids)

    def _waiting(self) -> float:
        return sum(waiting_seconds(pid) for pid in self._pids)
