"""From few viewers to as many as a core carries: which steps to take, and when to stop."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.servers import GROUP_SECONDS
from gamecast.bench.errors import BenchError
from gamecast.bench.results import WatchResult

FULL_DELAY = 0.100
"""Seconds of p95 above which a server does not keep up (docs/benchmarks/README.md)."""
_LOSS = 0.001
_MISSED = 0.005
_FULL = 0.97
_LOADED = 0.8
"""Share of the load's core above which what fails may be the load's fault."""
_GROWTH = 1.25
_BUSY = 0.7
_TIDY = 10
_SECONDS = 150.0
"""After which no further step is begun: a case that is slow to climb has a row all the same."""


@dataclass(slots=True, kw_only=True)
class Step:
    """One measured number of viewers, or of publishers."""

    number: int
    cpu: float
    """Share of the server's core."""
    kernel: float
    waiting: float
    """Share of the time in which the server wanted its core and another program had it."""
    memory: int
    delay: dict[int, float]
    first_media: dict[int, float]
    first_picture: dict[int, float]
    gbit: float
    lost: float
    """Share of packets, or of parts."""
    missed: float
    """Share of the frames looked at that did not come."""
    short: float
    """Share of the groups that those did not get who were checked by their number of bytes."""
    absent: int
    """Viewers whose connection ended, or that were not served."""
    load_cpu: float
    """Share of the other core, publishers not included."""

    @classmethod
    def of(cls, result: WatchResult, *, number: int | None = None) -> Step:
        """What was measured."""
        packets = result.bits_per_second * result.seconds / 8 / 1200
        units = result.parts or packets
        lost = result.lost + result.missed_parts + result.late_parts
        return cls(
            number=result.viewers if number is None else number,
            cpu=result.cpu or 0.0,
            kernel=result.cpu_kernel or 0.0,
            waiting=result.cpu_waiting or 0.0,
            memory=result.memory or 0,
            delay=result.delay,
            first_media=result.first_media,
            first_picture=result.first_picture,
            gbit=result.bits_per_second / 1e9,
            lost=lost / units if units else 1.0,
            missed=result.missed_frames / max(1, result.frames + result.missed_frames),
            short=result.missed_groups / max(1.0, result.viewers * result.seconds / GROUP_SECONDS),
            absent=result.closed + result.failed,
            load_cpu=result.load_cpu,
        )

    def problem(self, full_delay: float) -> str:
        """Why the server does not carry so many; empty if it does."""
        if self.absent:
            return f"{self.absent} were not served"
        if not self.delay:
            return "no picture came"
        if self.lost > _LOSS:
            return f"{self.lost:.1%} lost or late"
        if self.missed > _MISSED:
            return f"{self.missed:.1%} of the frames missed"
        if self.short > _MISSED:
            return f"{self.short:.1%} of the groups missed"
        if self.delay[95] > full_delay:
            return f"p95 of the delay is {self.delay[95] * 1e3:.0f} ms"
        return ""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Step:
        """What :meth:`as_dict` gave, also if it has been JSON since."""
        times = {
            name: {int(share): value for share, value in data[name].items()}
            for name in ("delay", "first_media", "first_picture")
        }
        return cls(**(data | times))

    def as_dict(self) -> dict[str, object]:
        """For the file of results."""
        return asdict(self)


class Ladder:
    """Numbers to try: a small one, some 70 % of the core, then on until it is full."""

    def __init__(
        self,
        low: int,
        most: int,
        *,
        known: Sequence[int] = (),
        full_delay: float = FULL_DELAY,
        seconds: float = _SECONDS,
    ) -> None:
        """``known``: the numbers to try, if they are known from a run before."""
        self.known = known
        self.low = low
        self.most = most
        self.full_delay = full_delay
        self._end = time.monotonic() + seconds
        self.steps: list[Step] = []
        self.stopped = ""
        """Why there was no further step."""

    def numbers(self) -> Iterator[int]:
        """The next number, once the step before has been put into ``steps``.

        A step that fails is measured once more: something else may have disturbed it.
        """
        known = iter(self.known)
        number = next(known, self.low)
        while True:
            yield number
            if self.steps[-1].problem(self.full_delay):
                self.steps.pop()
                yield number
            following = next(known, 0) or min(self.most, self._next(number, self.steps[-1].cpu))
            self.stopped = self._reason(following)
            if self.stopped:
                return
            number = following

    @contextlib.contextmanager
    def climbing(self) -> Iterator[None]:
        """A server that refuses at some step has shown what it carries before that."""
        try:
            yield
        except (BenchError, OSError, RuntimeError, ValueError) as error:
            if not self.steps:
                raise
            self.stopped = str(error).strip().rpartition("\n")[2][:120]

    def _reason(self, following: int) -> str:
        """Why not to go on; empty if there is no reason."""
        step = self.steps[-1]
        if problem := step.problem(self.full_delay):
            if step.load_cpu > _LOADED:
                return f"limited by the load ({step.load_cpu:.0%} of its core): {problem}"
            return problem
        if step.load_cpu > _FULL:
            return "the load's core is full"
        if step.number >= following:
            return "the last step"
        return "no time for more steps" if time.monotonic() > self._end else ""

    def _next(self, number: int, cpu: float) -> int:
        full = number / max(cpu, 0.001)
        for share in (_BUSY, 1.0):
            target = int(full * share) // _TIDY * _TIDY
            if target > number * 1.1:
                # What a viewer costs falls with their number: this is less than it looks.
                return min(target, number * 8)
        return max(number + _TIDY, int(number * _GROWTH) // _TIDY * _TIDY)


def worth_repeating(steps: Sequence[Step], full_delay: float) -> list[int]:
    """Of a first run: its first step, the one nearest to 70 % of the core, the last two.

    Where a long step led from what is carried to what is not, there are shorter ones in between:
    how far a server comes shall not depend on where the ladder's rungs happen to be.
    """
    good = [step for step in steps if not step.problem(full_delay)]
    if not good:
        return [step.number for step in steps[:1]]
    busy = min(good, key=lambda step: abs(step.cpu - _BUSY))
    chosen = {good[0].number, busy.number, good[-1].number}
    for step in steps:
        if step.number > good[-1].number:
            chosen.update(_between(good[-1].number, step.number), {step.number})
            break
    return sorted(chosen)


def _between(low: int, high: int) -> list[int]:
    """Rungs that are no further apart than the ladder's own growth."""
    ratio = high / low
    count = math.ceil(math.log(ratio, _GROWTH) - 0.01)
    rungs = [round(low * ratio ** (rung / count)) for rung in range(1, count)]
    return [rung // _TIDY * _TIDY or rung for rung in rungs]
