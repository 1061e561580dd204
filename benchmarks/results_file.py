"""docs/benchmarks/results.json: every step of every run, from which the report is made."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.workloads import Case, Run, Workload


class ResultsFile:
    """By workload: when, on what, and the runs of each server and protocol."""

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self._path = path
        self.workloads = data

    @classmethod
    def load(cls, path: Path) -> ResultsFile:
        """What is there; workloads that are measured anew replace theirs."""
        return cls(path, json.loads(path.read_text()) if path.exists() else {})

    def begin(self, workload: Workload, where: str, *, quick: bool) -> None:
        """Forget a workload's last results."""
        self.workloads[workload.name] = {
            "title": workload.title,
            "unit": workload.unit,
            "full_delay": workload.full_delay,
            "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "machine": where,
            "quick": quick,
            "cases": [],
        }

    def add(self, workload: Workload, case: Case, outcome: Run | str) -> None:
        """One run, or the reason why there is none."""
        cases = self.workloads[workload.name]["cases"]
        key = {"server": case.contender.name, "protocol": case.protocol}
        found = next((each for each in cases if key.items() <= each.items()), None)
        if found is None:
            missing = case.contender.missing()
            version = "" if missing else case.contender.version()
            found = {**key, "version": version, "runs": [], "failed": ""}
            cases.append(found)
        if isinstance(outcome, str):
            found["failed"] = outcome
            return
        steps = [
            step.as_dict() | {"problem": step.problem(workload.full_delay)}
            for step in outcome.steps
        ]
        run = {"steps": steps, "stopped": outcome.stopped, "facts": outcome.facts}
        found["runs"].append(_rounded(run))

    def save(self) -> None:
        """After every run: a bench that is interrupted has not been in vain."""
        self._path.write_text(json.dumps(self.workloads, indent=1) + "\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {str(name): _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value
