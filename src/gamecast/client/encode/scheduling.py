"""Keep encoders from raising this process to real-time priority.

SVT-AV1, when root opens it, puts the calling thread and all of its own on SCHED_FIFO 99, which
every process started later inherits. On a machine with few cores that starves the game, the server
and the encoder's own feeder.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_TASKS = Path("/proc/self/task")


@contextlib.contextmanager
def ordinary_scheduling() -> Iterator[None]:
    """Whatever the block does to the scheduling of this process's threads is undone at its end."""
    if sys.platform != "linux":
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for task in _TASKS.iterdir():
            # A thread may end meanwhile; one that may not be changed was not changed either.
            with contextlib.suppress(OSError):
                if os.sched_getscheduler(int(task.name)) != policy:
                    os.sched_setscheduler(int(task.name), policy, parameters)
