"""Where Gamecast stands to the best of the others, in words and ratios; also where it is behind."""

from __future__ import annotations

from statistics import median

from benchmarks.figures import CaseFigures

_OURS = "Gamecast"


def comparison(cases: list[CaseFigures], unit: str) -> list[str]:
    """One line for each protocol of ours."""
    lines = []
    for ours in cases:
        if ours.short_name == _OURS and ours.low_cpu:
            others = [case for case in cases if _comparable(ours, case, unit)]
            lines.append(_line(ours, others, unit))
    return lines


def _comparable(ours: CaseFigures, other: CaseFigures, unit: str) -> bool:
    same = unit == "viewers" or other.protocol == ours.protocol
    return other.short_name != _OURS and bool(other.low_cpu) and same


def _line(ours: CaseFigures, others: list[CaseFigures], unit: str) -> str:
    what = f"- **{ours.protocol}**: {median(ours.most):.0f} {unit} on a core"
    if not others:
        return f"{what}; nobody else was measured."
    best = max(others, key=lambda case: median(case.most))
    cheapest = min(others, key=lambda case: median(case.low_cpu))
    more = _ratio(median(ours.most), median(best.most))
    less = _ratio(median(ours.low_cpu), median(cheapest.low_cpu))
    return (
        f"{what}, {more} times the most of the others ({best.short_name} {best.protocol}: "
        f"{median(best.most):.0f}). At {ours.low_number:.0f} it takes {less} times the CPU of the "
        f"cheapest ({cheapest.short_name} {cheapest.protocol})."
    )


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else "∞"
