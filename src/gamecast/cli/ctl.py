"""``gamecast ctl``: what a hotkey tool calls to drive a running ``gamecast push``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gamecast.cli.errors import USAGE, CliError
from gamecast.cli.options import AsJson
from gamecast.cli.output import print_json

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer(help="Drive a running push: record, replay, mute, keyframe, bitrate, stop.")


@app.command()
def ctl(
    command: Annotated[
        str,
        typer.Argument(
            metavar="COMMAND",
            help="status | stop | keyframe | bitrate 4M | mute [mic|game] | unmute [..] | "
            "toggle [..] | record start [PATH] | record stop | replay [PATH]",
        ),
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENT]...", show_default=False)
    ] = None,
    pid: Annotated[
        int | None, typer.Option("--pid", metavar="N", help="Which push, where several run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a command to a running 'gamecast push' of yours and print its answer."""
    from gamecast.client.control import call
    from gamecast.client.controls import ControlError

    try:
        answer = call(_find(pid), command, _prepared(command, arguments or []))
    except ControlError as error:
        raise CliError(str(error)) from None
    if as_json or command == "status":
        print_json(answer)
    else:
        typer.echo(" ".join(f"{key}: {_shown(value)}" for key, value in answer.items()) or "done")


def _prepared(command: str, arguments: list[str]) -> list[str]:
    """Paths are those of this shell, and bitrates are written as for ``push``."""
    from pathlib import Path

    from gamecast.cli.values import parse_bitrate

    if command == "bitrate" and arguments:
        try:
            return [str(parse_bitrate(arguments[0]))]
        except ValueError as error:
            raise CliError(str(error), exit_status=USAGE) from None
    if command == "replay" and arguments:
        return [str(Path(arguments[0]).absolute())]
    if command == "record" and len(arguments) > 1:
        return [arguments[0], str(Path(arguments[1]).absolute())]
    return arguments


def _find(pid: int | None) -> Path:
    from gamecast.client.control import control_folder, running

    found = running(control_folder())
    if pid is not None:
        if pid not in found:
            raise CliError(f"no push with process id {pid} is running")
        return found[pid]
    if not found:
        raise CliError("no push is running")
    if len(found) > 1:
        raise CliError(f"several pushes are running: choose one by --pid {_or(found)}")
    return next(iter(found.values()))


def _or(found: dict[int, Any]) -> str:
    return " or ".join(str(number) for number in found)


def _shown(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
