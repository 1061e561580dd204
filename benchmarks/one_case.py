"""One run in a process of its own: ``python -m benchmarks.one_case``, for ``side_by_side``.

Reads what to do as JSON from standard input, writes what came of it as JSON to standard output.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict

from benchmarks.isolation import isolate
from benchmarks.ladder import Step
from benchmarks.workloads import Case, Pace, Run, Workload, workloads

_PATIENCE = 240.0
"""Seconds: several times what a run takes on a slow machine."""


def run_apart(workload: Workload, case: Case, pace: Pace) -> Run:
    """Raises ``RuntimeError`` with its last words if it fails, or is not done in time.

    A server that hangs or takes the load with it costs one row of a table.
    """
    asked = {"workload": workload.name, "server": case.contender.name, "protocol": case.protocol}
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.one_case"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        answer, words = child.communicate(json.dumps(asked | {"pace": asdict(pace)}), _PATIENCE)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {_PATIENCE:.0f} s") from None
    finally:
        _end(child)
    if child.returncode:
        raise RuntimeError(words.strip().rpartition("\n")[2] or "it crashed")
    told = json.loads(answer)
    return Run(
        steps=[Step.from_dict(step) for step in told["steps"]],
        stopped=told["stopped"],
        facts=told["facts"],
    )


def _end(child: subprocess.Popen[str]) -> None:
    """It and the servers and publishers that it has started, if it is still there."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def main() -> None:
    """As the child, where it may with a network of its own."""
    asked = json.loads(sys.stdin.read())
    workload = next(each for each in workloads() if each.name == asked["workload"])
    case = next(
        case
        for case in workload.cases()
        if (case.contender.name, case.protocol) == (asked["server"], asked["protocol"])
    )
    if case.contender.has_own_network:
        isolate()
    run = workload.run(case, Pace(**asked["pace"]))
    steps = [step.as_dict() for step in run.steps]
    json.dump({"steps": steps, "stopped": run.stopped, "facts": run.facts}, sys.stdout)


if __name__ == "__main__":
    main()
