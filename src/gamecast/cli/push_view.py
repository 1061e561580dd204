"""How a push is shown: a panel in a terminal, lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Protocol

from rich.console import Console, Group, JustifyMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gamecast.cli.values import show_bitrate, show_size, show_time
from gamecast.client.report import DestinationReport, Snapshot
from gamecast.client.session import Outcome

WARNING = 0.01
BAD = 0.05
"""Shares of lost pictures from which OBS, too, turns yellow and red."""
_STATE_STYLES = {
    "live": "bold green",
    "connecting": "yellow",
    "reconnecting": "bold yellow",
    "failed": "bold red",
}


class View(Protocol):
    """One way to show it."""

    interval: float
    """Seconds between calls of ``show``."""

    def begin(self, lines: list[str]) -> None:
        """What is about to happen, a line each."""

    def show(self, snapshot: Snapshot) -> None:
        """How it goes."""

    def end(self, snapshot: Snapshot, outcome: Outcome) -> None:
        """How it went."""


class JsonView:
    """One object per line: ``{"event": "status" | "summary", ...}``."""

    interval = 1.0

    def __init__(self, echo: Callable[[str], None]) -> None:
        self._echo = echo

    def begin(self, lines: list[str]) -> None:
        """Nothing: programs know what they asked for."""

    def show(self, snapshot: Snapshot) -> None:
        """One line."""
        self._echo(json.dumps({"event": "status", **_rounded(snapshot)}))

    def end(self, snapshot: Snapshot, outcome: Outcome) -> None:
        """The last line."""
        problems = ([outcome.problem] if outcome.problem else []) + outcome.failed
        self._echo(
            json.dumps(
                {
                    "event": "summary",
                    "ok": outcome.ok,
                    "problems": problems,
                    **_rounded(snapshot),
                    "seconds": round(outcome.seconds, 2),
                }
            )
        )


class PlainView:
    """A line now and then, for logs and pipes."""

    interval = 5.0

    def __init__(self, echo: Callable[[str], None]) -> None:
        self._echo = echo

    def begin(self, lines: list[str]) -> None:
        """The lines."""
        for line in lines:
            self._echo(line)

    def show(self, snapshot: Snapshot) -> None:
        """One line of everything, and one for each destination in trouble."""
        self._echo(status_line(snapshot))
        for destination in snapshot.destinations:
            if destination.problem:
                self._echo(f"  {destination.name}: {destination.state}, {destination.problem}")

    def end(self, snapshot: Snapshot, outcome: Outcome) -> None:
        """The summary."""
        for line in summary_lines(snapshot, outcome):
            self._echo(line)


class TerminalView:
    """A panel that is redrawn in place."""

    interval = 0.5

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def begin(self, lines: list[str]) -> None:
        """The lines, then the panel."""
        for line in lines:
            self._console.print(Text(line, style="dim"))
        self._live.start()

    def show(self, snapshot: Snapshot) -> None:
        """Redraw."""
        self._live.update(panel(snapshot), refresh=True)

    def end(self, snapshot: Snapshot, outcome: Outcome) -> None:
        """The summary takes the panel's place."""
        self._live.stop()
        for line in summary_lines(snapshot, outcome):
            self._console.print(Text(line))


def status_line(snapshot: Snapshot) -> str:
    """Everything that matters in one line."""
    lost = snapshot.missed + snapshot.skipped + snapshot.dropped
    parts = [
        show_time(snapshot.seconds),
        " ".join(sorted({destination.state for destination in snapshot.destinations})),
        f"{snapshot.fps_encoded:.0f} fps",
        show_bitrate(snapshot.bitrate),
        f"dropped {lost} (capture {snapshot.missed}, encoder {snapshot.skipped}, "
        f"network {snapshot.dropped})",
        f"CPU {snapshot.cpu * 100:.0f} %",
    ]
    rtts = [each.rtt_ms for each in snapshot.destinations if each.rtt_ms is not None]
    if rtts:
        parts.append(f"RTT {max(rtts):.0f} ms")
    return "  ".join(parts)


def panel(snapshot: Snapshot) -> Group:
    """The live panel: two lines for the encoder, a row for each destination, what is wrong."""
    troubles = [
        Text(f"{each.name}: {each.problem}", style="red")
        for each in snapshot.destinations
        if each.problem
    ]
    return Group(
        _head(snapshot),
        _losses(snapshot),
        _table(snapshot.destinations),
        *troubles,
        Text("Ctrl+C ends it; 'gamecast ctl -h' lists what can be done meanwhile", style="dim"),
    )


def _head(snapshot: Snapshot) -> Text:
    return Text.assemble(
        (f"{show_time(snapshot.seconds)}  ", "bold"),
        f"{snapshot.fps_captured:.0f} fps captured  {snapshot.fps_encoded:.0f} encoded  ",
        f"{snapshot.bitrate / 1000:.0f} of {show_bitrate(snapshot.target_bitrate)}  ",
        f"CPU {snapshot.cpu * 100:.0f} %",
    )


def _losses(snapshot: Snapshot) -> Text:
    pictures = max(1.0, snapshot.fps_captured * max(1.0, snapshot.seconds) + snapshot.missed)
    worst = max((each.dropped_share for each in snapshot.destinations), default=0.0)
    return Text.assemble(
        "lost by capture ",
        (str(snapshot.missed), _share_style(snapshot.missed / pictures)),
        ", encoder ",
        (str(snapshot.skipped), _share_style(snapshot.skipped / pictures)),
        ", network ",
        (str(snapshot.dropped), _share_style(worst)),
        f"  encoding {snapshot.encode_ms:.1f} ms  sound {_meter(snapshot.audio_level)}",
    )


Cell = Callable[[DestinationReport], Text]
_COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("state", lambda each: Text(each.state, style=_STATE_STYLES.get(each.state, ""))),
    ("fps", lambda each: Text(f"{each.fps:.0f}")),
    ("kbit/s", lambda each: Text(f"{each.bitrate / 1000:.0f}")),
    (
        "dropped",
        lambda each: Text(
            f"{each.dropped_share * 100:.1f} %", style=_share_style(each.dropped_share)
        ),
    ),
    ("queue", lambda each: Text(f"{each.queue_ms:.0f} ms")),
    ("RTT", lambda each: Text("" if each.rtt_ms is None else f"{each.rtt_ms:.0f} ms")),
    (
        "loss",
        lambda each: Text("" if each.lost_share is None else f"{each.lost_share * 100:.1f} %"),
    ),
)


def _table(destinations: list[DestinationReport]) -> Table:
    """One row each; a column that none of them fills is left out, and names are cut if need be."""
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("destination")
    filled = [
        (title, cells)
        for title, cell in _COLUMNS
        if any(cells := [cell(each) for each in destinations])
    ]
    for title, cells in filled:
        justify: JustifyMethod = "left" if title == "state" else "right"
        widest = max(len(title), *(len(cell) for cell in cells))
        table.add_column(title, justify=justify, no_wrap=True, min_width=widest)
    for number, each in enumerate(destinations):
        name = Text(each.name, no_wrap=True, overflow="ellipsis")
        table.add_row(name, *(cells[number] for _, cells in filled))
    return table


def _share_style(share: float) -> str:
    if share > BAD:
        return "bold red"
    return "yellow" if share > WARNING else "green"


def _meter(level: float) -> str:
    bars = round(math.sqrt(min(1.0, level)) * 8)
    return "|" * bars + "." * (8 - bars)


def summary_lines(snapshot: Snapshot, outcome: Outcome) -> list[str]:
    """What is said at the end."""
    lost = (
        f"pictures lost: {snapshot.missed} by capture, {snapshot.skipped} by the encoder, "
        f"{snapshot.dropped} by the network"
    )
    if not snapshot.missed + snapshot.skipped + snapshot.dropped:
        lost = "no picture lost"
    lines = [f"pushed {show_time(outcome.seconds)}, {lost}"]
    for destination in snapshot.destinations:
        again = f", {destination.reconnects} reconnects" if destination.reconnects else ""
        lines.append(
            f"  {destination.name}: {destination.state}, {show_size(destination.bytes_sent)}, "
            f"{destination.dropped} dropped{again}"
        )
    return lines


def _rounded(snapshot: Snapshot) -> dict[str, object]:
    """The fields with as many digits as mean something."""

    def short(value: object) -> object:
        if isinstance(value, float):
            return round(value, 3)
        if isinstance(value, dict):
            return {key: short(item) for key, item in value.items()}
        if isinstance(value, list):
            return [short(item) for item in value]
        return value

    return {key: short(value) for key, value in asdict(snapshot).items()}
