"""Lines in a box, as SVG: no library is needed for that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 230, 40, 50
_COLOURS = ("#d1495b", "#00798c", "#edae49", "#30638e", "#66a182", "#8d5a97", "#5c5c5c", "#b56b45")


@dataclass(slots=True)
class Line:
    """One server's points, in the order of x."""

    name: str
    points: list[tuple[float, float]]


def svg(title: str, x_title: str, y_title: str, lines: list[Line], *, log: bool = False) -> str:
    """A whole file. ``log``: of the y axis; values must be positive then."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    x_axis = _Axis.linear(max(xs, default=1), _LEFT, _WIDTH - _RIGHT)
    make = _Axis.logarithmic if log else _Axis.linear
    y_axis = make(max(ys, default=1), _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, title, size=15),
        *_grid(x_axis, y_axis),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, x_title, anchor="middle"),
        f'<g transform="translate(16 {(_TOP + _HEIGHT - _BOTTOM) / 2}) rotate(-90)">'
        f"{_text(0, 0, y_title, anchor='middle')}</g>",
    ]
    for number, line in enumerate(lines):
        parts += _line(line, number, x_axis, y_axis)
    return "\n".join([*parts, "</svg>", ""])


@dataclass(slots=True)
class _Axis:
    begin: float
    end: float
    """In the picture."""
    top: float
    ticks: list[float]
    log: bool = False

    @classmethod
    def linear(cls, most: float, begin: float, end: float) -> _Axis:
        """From 0."""
        step = 10 ** math.floor(math.log10(max(most, 1e-9)))
        step = next(step * part for part in (0.1, 0.2, 0.5, 1, 2) if most <= step * part * 8)
        count = math.ceil(most / step)
        return cls(begin, end, count * step, [number * step for number in range(count + 1)])

    @classmethod
    def logarithmic(cls, most: float, begin: float, end: float) -> _Axis:
        """From 0.1."""
        decades = max(1, math.ceil(math.log10(max(most, 1.0)) - 1e-9))
        return cls(begin, end, 10**decades, [10.0**each for each in range(-1, decades + 1)], True)

    def place(self, value: float) -> float:
        """Where a value stands in the picture."""
        if self.log:
            share = (math.log10(max(value, 0.1)) + 1) / (math.log10(self.top) + 1)
        else:
            share = value / self.top
        return self.begin + share * (self.end - self.begin)


def _grid(x_axis: _Axis, y_axis: _Axis) -> list[str]:
    parts = []
    for tick in x_axis.ticks:
        x = x_axis.place(tick)
        parts.append(_rule(x, y_axis.begin, x, y_axis.end))
        parts.append(_text(x, _HEIGHT - _BOTTOM + 16, f"{tick:g}", anchor="middle"))
    for tick in y_axis.ticks:
        y = y_axis.place(tick)
        parts.append(_rule(x_axis.begin, y, x_axis.end, y))
        parts.append(_text(_LEFT - 6, y + 4, f"{tick:g}", anchor="end"))
    return parts


def _line(line: Line, number: int, x_axis: _Axis, y_axis: _Axis) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [(x_axis.place(x), y_axis.place(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    legend = _TOP + 10 + number * 20
    left = _WIDTH - _RIGHT + 16
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places),
        f'<rect x="{left}" y="{legend - 9}" width="12" height="10" fill="{colour}"/>',
        _text(left + 18, legend, line.name),
    ]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#222">'
        f"{escape(text)}</text>"
    )
