"""Opening an encoder leaves the process at the priority it had."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gamecast.client.encode.scheduling import ordinary_scheduling

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux schedulers")


def test_real_time_priority_is_taken_back_from_all_threads() -> None:
    before = os.sched_getscheduler(0)
    try:
        with ordinary_scheduling():
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pytest.skip("only root may raise its priority")
    assert os.sched_getscheduler(0) == before
    policies = {os.sched_getscheduler(int(t.name)) for t in Path("/proc/self/task").iterdir()}
    assert policies == {before}
