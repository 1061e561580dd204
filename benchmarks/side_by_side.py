"""All cases in turn, again and again: what disturbs the machine disturbs all of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from benchmarks.ladder import worth_repeating
from benchmarks.one_case import run_apart
from benchmarks.workloads import Case, Pace, Run, Workload

_OVERTIME = 1.2
"""Of the minutes: by then even the first repetition ends."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Plan:
    """What to do."""

    workloads: list[Workload]
    pace: Pace = field(default_factory=Pace)
    repeat: int = 3
    minutes: float = 100.0
    only: frozenset[str] = frozenset()
    """Names of contenders; empty for all."""


def measure(plan: Plan) -> Iterator[tuple[Workload, Case, Run | str]]:
    """Runs as they end; a text instead is the reason why a case has none.

    A server that fails is left out from then on and does not end the others' runs.
    """
    begin = time.monotonic()
    known: dict[tuple[str, str, str], list[int]] = {}
    left_out: set[tuple[str, str, str]] = set()
    for repetition in range(plan.repeat):
        for workload in plan.workloads:
            for case in workload.cases():
                key = (workload.name, case.contender.name, case.protocol)
                minutes = (time.monotonic() - begin) / 60
                late = minutes > plan.minutes * (_OVERTIME if not repetition else 1.0)
                if late or key in left_out or _unwanted(plan, case):
                    continue
                pace = replace(plan.pace, known=known.get(key, []))
                outcome = _run(workload, case, pace, f"{minutes:4.1f} min #{repetition + 1}")
                if isinstance(outcome, str):
                    left_out.add(key)
                elif not repetition:
                    known[key] = worth_repeating(outcome.steps, workload.full_delay)
                yield workload, case, outcome


def _unwanted(plan: Plan, case: Case) -> bool:
    return bool(plan.only) and case.contender.name not in plan.only


def _run(workload: Workload, case: Case, pace: Pace, when: str) -> Run | str:
    what = f"{when} {workload.name} {case.contender.name} {case.protocol}"
    if reason := case.contender.missing():
        sys.stderr.write(f"{what}: left out: {reason}\n")
        return reason
    try:
        run = run_apart(workload, case, pace)
    except Exception as error:  # whatever a server does, the others are measured
        sys.stderr.write(f"{what}: {error}\n")
        return str(error)[:200]
    numbers = ", ".join(f"{step.number}: {step.cpu:.0%}" for step in run.steps)
    sys.stderr.write(f"{what}: {numbers} {run.stopped}\n")
    return run
