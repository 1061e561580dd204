"""How a push is shown: a panel in a terminal, lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Protocol

from rich.console import Console, Group
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
    """The live panel: a line for the encoder, a row for each destination."""
    head = Text.assemble(
        (f"{show_time(snapshot.seconds)} ", "bold"),
        f" {snapshot.fps_captured:.0f} fps captured  {snapshot.fps_encoded:.0f} fps encoded  ",
        f"{show_bitrate(snapshot.bitrate)} of {show_bitrate(snapshot.target_bitrate)}  ",
        f"encode {snapshot.encode_ms:.1f} ms  CPU {snapshot.cpu * 100:.0f} %  ",
        f"sound {_meter(snapshot.audio_level)}",
    )
    lag = Text.assemble(
        "lost: capture ",
        (str(snapshot.missed), _share_style(snapshot.missed / max(1, _pictures(snapshot)))),
        "  encoder ",
        (str(snapshot.skipped), _share_style(snapshot.skipped / max(1, _pictures(snapshot)))),
        "  network ",
        str(snapshot.dropped),
    )
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for title in ("destination", "state", "fps", "sent", "dropped", "queue", "RTT", "loss"):
        table.add_column(title, justify="left" if title in ("destination", "state") else "right")
    for destination in snapshot.destinations:
        table.add_row(*_cells(destination))
    return Group(head, lag, table)


def _pictures(snapshot: Snapshot) -> float:
    return snapshot.fps_captured * max(1.0, snapshot.seconds) + snapshot.missed


def _cells(destination: DestinationReport) -> list[Text]:
    state = Text(destination.state, style=_STATE_STYLES.get(destination.state, ""))
    if destination.problem:
        state.append(f" ({destination.problem})", style="red")
    rtt = "" if destination.rtt_ms is None else f"{destination.rtt_ms:.0f} ms"
    dropped = f"{destination.dropped} ({destination.dropped_share * 100:.1f} %)"
    return [
        Text(destination.name),
        state,
        Text(f"{destination.fps:.0f}"),
        Text(show_bitrate(destination.bitrate)),
        Text(dropped, style=_share_style(destination.dropped_share)),
        Text(f"{destination.queue_ms:.0f} ms"),
        Text(rtt),
        Text("" if destination.lost_share is None else f"{destination.lost_share * 100:.1f} %"),
    ]


def _share_style(share: float) -> str:
    if share > BAD:
        return "bold red"
    return "yellow" if share > WARNING else "green"


def _meter(level: float) -> str:
    bars = round(math.sqrt(min(1.0, level)) * 8)
    return "|" * bars + "." * (8 - bars)


def summary_lines(snapshot: Snapshot, outcome: Outcome) -> list[str]:
    """What is said at the end."""
    lines = [
        f"pushed {show_time(outcome.seconds)}: lost {snapshot.missed} pictures to capture, "
        f"{snapshot.skipped} to the encoder, {snapshot.dropped} to the network"
    ]
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
