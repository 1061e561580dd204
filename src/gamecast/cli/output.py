"""Plain tables and JSON on stdout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns padded to line up; the last one is free to be long."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header) - 1)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        typer.echo("  ".join([*cells, row[-1]]).rstrip())


def print_json(value: Any) -> None:
    """One JSON document; times as RFC 3339."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_time))


def show_time(time: datetime | None) -> str:
    """A time as people read it, in their zone; ``-`` for none."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M") if time is not None else "-"


def _time(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
