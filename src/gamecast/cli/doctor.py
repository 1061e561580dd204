"""``gamecast doctor``: what this machine can capture, encode and serve, and what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gamecast.cli.findings import Finding, State
from gamecast.cli.options import AsJson, ConfigFile, DataDir, read_config
from gamecast.cli.output import print_json

if TYPE_CHECKING:
    from gamecast.server.config import ServeConfig

app = typer.Typer(add_completion=False)

_MARKS = {State.OK: "✓", State.MISSING: "-", State.PROBLEM: "!", State.BLOCKER: "✗"}
_PLAIN_MARKS = {State.OK: "ok", State.MISSING: "--", State.PROBLEM: "!!", State.BLOCKER: "XX"}


@app.command()
def doctor(
    config: ConfigFile = None,
    data_dir: DataDir = None,
    encoders: Annotated[
        bool, typer.Option("--encoders/--no-encoders", help="Try every encoder. Takes seconds.")
    ] = True,
    upload: Annotated[
        str | None,
        typer.Option(
            "--upload",
            metavar="URL",
            help="Measure the upload to this server (rtmp://, srt:// or whip://, with its key): "
            "its channel shows noise for five seconds.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what this machine can capture, encode and serve, what is missing, and what to do.

    The exit status is 0 if 'gamecast serve' can run with this configuration.
    """
    settings = read_config(config, {"server.data_dir": data_dir})
    found: dict[str, list[Finding]] = {}
    for area, finding in _examine(settings, encoders=encoders, upload=upload):
        if not as_json:
            if area not in found:
                typer.echo(f"{'' if not found else chr(10)}{area}")
            _show(finding)
        found.setdefault(area, []).append(finding)
    blockers = [f for findings in found.values() for f in findings if f.state is State.BLOCKER]
    if as_json:
        areas = {area: [_values(finding) for finding in found[area]] for area in found}
        print_json({"can_serve": not blockers, **areas})
    else:
        names = ", ".join(finding.name for finding in blockers)
        verdict = f"cannot run yet: {names}" if blockers else "can run here"
        typer.echo(f"\n'gamecast serve' {verdict}.")
    if blockers:
        raise typer.Exit(1)


def _examine(
    settings: ServeConfig, *, encoders: bool, upload: str | None
) -> Iterator[tuple[str, Finding]]:
    from gamecast.cli import (
        doctor_capture,
        doctor_encode,
        doctor_network,
        doctor_serve,
        doctor_upload,
    )

    for finding in doctor_serve.examine(settings):
        yield "Serve", finding
    for finding in doctor_network.examine(settings):
        yield "Network", finding
    if encoders:
        for finding in doctor_encode.examine():
            yield "Encode", finding
    for finding in doctor_capture.examine():
        yield "Capture", finding
    if upload is not None:
        yield "Publish", doctor_upload.examine(upload)


def _show(finding: Finding) -> None:
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    mark = (_MARKS if unicode else _PLAIN_MARKS)[finding.state]
    typer.echo(f"  {mark} {finding.name:<18} {finding.detail}")
    if finding.advice:
        typer.echo(f"    {'':<18} {'→' if unicode else '->'} {finding.advice}")


def _values(finding: Finding) -> dict[str, str]:
    values = {"name": finding.name, "state": finding.state.value, "detail": finding.detail}
    return {**values, "advice": finding.advice} if finding.advice else values
