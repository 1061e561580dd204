"""What the runs of one server at one protocol come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

_SHARE = 0.7
"""Of the core: the load at which a server is usually run."""

Step = dict[str, Any]


@dataclass(slots=True)
class CaseFigures:
    """Lists hold one value for each run that has one. Seconds, bytes, shares of a core."""

    name: str
    """With its version."""
    short_name: str
    protocol: str
    failed: str
    runs: list[dict[str, Any]]

    @property
    def _lows(self) -> list[Step]:
        return [run["steps"][0] for run in self.runs if run["steps"] and run["steps"][0]["delay"]]

    @property
    def low_number(self) -> float:
        """Of viewers or publishers at the first step."""
        return max((step["number"] for step in self._lows), default=0)

    @property
    def low_cpu(self) -> list[float]:
        """Per viewer, at the first step."""
        return [step["cpu"] / step["number"] for step in self._lows]

    @property
    def low_delays(self) -> list[tuple[float, float, float]]:
        """50, 95, 99 per cent."""
        return [_percentiles(step) for step in self._lows]

    @property
    def first_picture(self) -> list[float]:
        """p95."""
        return [step["first_picture"]["95"] for step in self._lows if step["first_picture"]]

    @property
    def _at_70(self) -> list[Step]:
        return [self._nearest_to_70(steps) for steps in self._good]

    @staticmethod
    def _nearest_to_70(steps: list[Step]) -> Step:
        return min(steps, key=lambda step: abs(step["cpu"] - _SHARE))

    @property
    def delays_at_70(self) -> list[tuple[float, float, float]]:
        """At the good step whose load is nearest to 70 % of the core."""
        return [_percentiles(step) for step in self._at_70]

    @property
    def number_at_70(self) -> list[float]:
        """How many those were."""
        return [step["number"] for step in self._at_70]

    @property
    def _good(self) -> list[list[Step]]:
        found = [[step for step in run["steps"] if not step["problem"]] for run in self.runs]
        return [steps for steps in found if steps]

    @property
    def most(self) -> list[float]:
        """The most that were served as they should be; 0 for a run without such a step."""
        return [
            max((step["number"] for step in run["steps"] if not step["problem"]), default=0)
            for run in self.runs
        ]

    @property
    def most_cpu(self) -> list[float]:
        """Per viewer, there."""
        return [steps[-1]["cpu"] / steps[-1]["number"] for steps in self._good]

    @property
    def memory(self) -> list[float]:
        """Bytes that a viewer more took, up to some 70 % of the core: beyond, viewers that do not
        keep up have queues."""
        pairs = [(steps[0], self._nearest_to_70(steps[1:])) for steps in self._good if steps[1:]]
        return [
            (busy["memory"] - low["memory"]) / (busy["number"] - low["number"])
            for low, busy in pairs
        ]

    @property
    def stopped(self) -> str:
        """Why the first run ended."""
        return str(self.runs[0]["stopped"]) if self.runs else ""

    def points(self, value: Callable[[Step], float]) -> list[tuple[float, float]]:
        """Medians over the runs, by number."""
        found: dict[float, list[float]] = {}
        for run in self.runs:
            for step in run["steps"]:
                if step["delay"]:
                    found.setdefault(step["number"], []).append(value(step))
        return [(number, median(values)) for number, values in sorted(found.items())]


def figures_of(case: dict[str, Any]) -> CaseFigures:
    """From the file of results."""
    return CaseFigures(
        f"{case['server']} {case['version']}".strip(),
        case["server"],
        case["protocol"],
        case["failed"],
        case["runs"],
    )


def _percentiles(step: Step) -> tuple[float, float, float]:
    delay = step["delay"]
    return delay["50"], delay["95"], delay["99"]
