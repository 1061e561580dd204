"""Which steps the benchmark takes, and what its report makes of them."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.figures import figures_of
from benchmarks.ladder import Ladder, Step, worth_repeating
from benchmarks.plot import Line, svg


def step(number: int, *, share: float = 0.0005, delay: float = 0.01, missed: float = 0.0) -> Step:
    """A server that spends ``share`` of its core on each viewer."""
    times = {50: delay / 2, 95: delay, 99: delay, 100: delay}
    return Step(
        number=number,
        cpu=number * share,
        kernel=0.0,
        waiting=0.0,
        memory=10_000_000 + number * 1000,
        delay=times,
        first_media=times,
        first_picture=times,
        gbit=1.0,
        lost=0.0,
        missed=missed,
        short=0.0,
        absent=0,
        load_cpu=0.1,
    )


def climb(ladder: Ladder, full: int) -> list[int]:
    """All numbers asked for by a ladder at a server that is full at ``full`` viewers."""
    asked = []
    for number in ladder.numbers():
        asked.append(number)
        ladder.steps.append(step(number, delay=0.01 if number <= full else 3.0))
    return asked


def test_it_climbs_until_the_server_is_full_and_makes_sure_of_that() -> None:
    ladder = Ladder(200, 8000)
    asked = climb(ladder, full=2600)
    assert asked[:3] == [200, 1400, 1990]
    assert asked[-1] == asked[-2] > 2600, "the step that fails is measured twice"
    assert asked == sorted(asked)
    assert ladder.stopped.startswith("p95")
    assert [each.number for each in ladder.steps] == asked[:-1]


def test_what_fails_beside_a_full_load_is_not_the_servers_fault() -> None:
    for busy, reason in ((0.7, "p95 of"), (0.85, "limited by the load (85% of its core): p95 of")):
        ladder = Ladder(100, 8000)
        for number in ladder.numbers():
            failing = step(number, delay=0.01 if number == 100 else 3.0)
            failing.load_cpu = busy
            ladder.steps.append(failing)
        assert ladder.stopped.startswith(reason)


def test_a_slow_climb_ends_with_the_steps_that_it_has() -> None:
    ladder = Ladder(200, 8000, seconds=0)
    assert climb(ladder, full=2600) == [200]
    assert ladder.stopped == "no time for more steps"


def test_a_disturbed_step_does_not_end_it() -> None:
    ladder = Ladder(100, 200)
    failures = iter([True])
    for number in ladder.numbers():
        ladder.steps.append(step(number, missed=0.5 if next(failures, False) else 0.0))
    assert [each.number for each in ladder.steps] == [100, 200]
    assert ladder.stopped == "the last step"


def test_later_runs_repeat_what_matters() -> None:
    steps = [step(200), step(1400), step(2000), step(2500, delay=1), step(3000, delay=2)]
    assert worth_repeating(steps, 0.1) == [200, 1400, 2000, 2500]
    steps = [step(50), step(150, delay=1)]
    assert worth_repeating(steps, 0.1) == [50, 60, 70, 90, 120, 150], "no step of three times"
    ladder = Ladder(200, 8000, known=[200, 1400, 2000])
    assert climb(ladder, full=1800) == [200, 1400, 2000, 2000]


def test_figures_of_a_case() -> None:
    def as_stored(each: Step, problem: str) -> dict[str, object]:
        times = {str(name): value for name, value in each.delay.items()}
        return each.as_dict() | {"delay": times, "first_picture": times, "problem": problem}

    run = {
        "steps": [as_stored(step(200), ""), as_stored(step(1400), ""), as_stored(step(2000), "x")],
        "stopped": "x",
    }
    case = {"server": "S", "version": "1", "protocol": "flv", "failed": "", "runs": [run, run]}
    figures = figures_of(case)
    assert figures.most == [1400, 1400]
    assert figures.number_at_70 == [1400, 1400]
    assert figures.memory == [1000, 1000]
    assert figures.points(lambda each: each["cpu"])[0] == (200, 0.1)


def test_a_plot_is_xml_with_every_point() -> None:
    lines = [Line("a & b", [(1, 2.0), (10, 300.0)]), Line("c", [(5, 7.0)])]
    for log in (False, True):
        root = ElementTree.fromstring(svg("Title", "x", "y", lines, log=log))
        assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 3
