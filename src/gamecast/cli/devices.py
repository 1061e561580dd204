"""``gamecast devices``: what can be captured, with the exact option for each."""

from __future__ import annotations

from dataclasses import asdict

import typer

from gamecast.cli.options import AsJson
from gamecast.cli.output import print_json, print_table

app = typer.Typer(help="What 'gamecast push' can capture on this machine.", add_completion=False)


@app.command()
def devices(as_json: AsJson = False) -> None:
    """List screens, windows, cameras and sound sources, with the option for each."""
    from gamecast.client import devices as client

    found = list(client.devices())
    present = [each for each in found if isinstance(each, client.Device)]
    absent = [each for each in found if isinstance(each, client.Absence)]
    if as_json:
        print_json(
            {"devices": [asdict(each) for each in present], "absent": [asdict(a) for a in absent]}
        )
        return
    if present:
        rows = [(each.kind, each.name, each.detail, each.option) for each in present]
        print_table(("kind", "name", "detail", "option"), rows)
    for each in absent:
        typer.echo(f"no {each.kind}: {each.problem}")
    shown = next((each.option for each in present if each.kind == "screen"), "--test")
    typer.echo(f"\nTo record ten seconds: gamecast push {shown} --duration 10 try.mp4")
