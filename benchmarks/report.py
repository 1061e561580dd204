"""docs/benchmarks/results.md and its plots, made of results.json."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.comparison import comparison
from benchmarks.figures import CaseFigures, figures_of
from benchmarks.plot import Line, svg
from benchmarks.results_file import ResultsFile

_HEAD = """# Results

Made by `make bench`; [README.md](README.md) says how it measures, how to read this and how to size
a server from it. Every step of every run is in [results.json](results.json).
"""
_QUICK = "\n**A `--quick` run, to see that everything works: its figures mean nothing.**\n"


def write(results: ResultsFile, folder: Path) -> None:
    """The report of everything in the file."""
    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    sections = [_section(name, data, plots) for name, data in results.workloads.items()]
    (folder / "results.md").write_text("\n".join([_HEAD, *sections]))


def _section(name: str, data: dict[str, Any], plots: Path) -> str:
    cases = [figures_of(case) for case in data["cases"]]
    run = [case for case in cases if case.runs]
    lines = [f"## {data['title']}", "", f"{data['date']}, {data['machine']}."]
    if data["quick"]:
        lines.append(_QUICK)
    lines += ["", *(_start_table(run) if name == "start" else _table(run, data))]
    if name != "start":
        lines += ["", *comparison(run, data["unit"]), ""]
        lines += _plots(name, run, data, plots)
    lines += ["", *_absent(cases), ""]
    return "\n".join(lines)


def _table(cases: list[CaseFigures], data: dict[str, Any]) -> list[str]:
    unit, one = data["unit"], data["unit"][:-1]
    low = max((int(case.low_number) for case in cases), default=0)
    lines = [
        f"| server | protocol | CPU per {one} at {low} | delay at {low} | first picture at {low} "
        f"| delay at some 70 % of the core | most {unit} | CPU per {one} there "
        f"| memory per {one} | what ended it |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    lines += [_row(case) for case in cases]
    return [*lines, "", _legend(cases, data)]


def _row(case: CaseFigures) -> str:
    cells = [
        case.name,
        case.protocol,
        f"{_spread(case.low_cpu, 100, '.3f')} %",
        _delays(case.low_delays),
        f"{_middle(case.first_picture, 1e3, '.0f')} ms",
        f"{_delays(case.delays_at_70)} ({_middle(case.number_at_70, 1, '.0f')})",
        _spread(case.most, 1, ".0f"),
        f"{_middle(case.most_cpu, 100, '.3f')} %",
        f"{_middle(case.memory, 1e-3, '.0f')} kB",
        case.stopped,
    ]
    return f"| {' | '.join(cells)} |"


def _legend(cases: list[CaseFigures], data: dict[str, Any]) -> str:
    runs = sorted(len(case.runs) for case in cases) or [0]
    return (
        f"Medians of {runs[0]} to {runs[-1]} runs, the servers in turn; in brackets the lowest "
        "and the highest. CPU in per cent of one core. Delays: p50 / p95 / p99, from the "
        "publisher's write to the viewer's read; behind those at 70 % the number of "
        f"{data['unit']}. The first picture is the p95 of new viewers, from their first packet to "
        f"their first keyframe. Most: everything arrived, p95 at most {data['full_delay']:g} s."
    )


def _start_table(cases: list[CaseFigures]) -> list[str]:
    lines = ["| server | ready after | memory | CPU, idle |", "|---|--:|--:|--:|"]
    for case in cases:
        ready, memory, cpu = (
            [run["facts"][name] for run in case.runs] for name in ("ready", "memory", "idle_cpu")
        )
        lines.append(
            f"| {case.name} | {_spread(ready, 1, '.2f')} s | {_spread(memory, 2**-20, '.0f')} MiB "
            f"| {_spread(cpu, 100, '.1f')} % |"
        )
    return lines


def _plots(name: str, cases: list[CaseFigures], data: dict[str, Any], folder: Path) -> list[str]:
    pictures = {
        "cpu": ("CPU of the server", "per cent of a core", lambda step: step["cpu"] * 100, False),
        "delay": ("p95 of the delay", "ms", lambda step: step["delay"]["95"] * 1e3, True),
    }
    lines = []
    for kind, (title, y_title, value, log) in pictures.items():
        drawn = [Line(f"{c.short_name} {c.protocol}", c.points(value)) for c in cases]
        path = folder / f"{name}-{kind}.svg"
        path.write_text(svg(f"{data['title']}: {title}", data["unit"], y_title, drawn, log=log))
        lines.append(f"![{title} over {data['unit']}](plots/{path.name})")
    return lines


def _absent(cases: list[CaseFigures]) -> list[str]:
    lines = []
    for case in cases:
        if case.failed:
            further = " further" if case.runs else ""
            lines.append(f"- Not measured{further}: {case.name} {case.protocol}: {case.failed}")
    return lines


def _delays(values: list[tuple[float, float, float]]) -> str:
    if not values:
        return "–"
    return " / ".join(f"{median(each) * 1e3:.1f}" for each in zip(*values, strict=True)) + " ms"


def _middle(values: list[float], factor: float, form: str) -> str:
    return f"{median(values) * factor:{form}}" if values else "–"


def _spread(values: list[float], factor: float, form: str) -> str:
    if not values:
        return "–"
    middle = _middle(values, factor, form)
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values) * factor:{form}}–{max(values) * factor:{form}})"
