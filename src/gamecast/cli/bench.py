"""``gamecast bench``: load for this or any other server, and what arrived of it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gamecast.cli.errors import CliError

if TYPE_CHECKING:
    from gamecast.bench.results import WatchResult

app = typer.Typer(no_args_is_help=True, help="Generate load: publishers and viewers.")


def _numbered(url: str, count: int) -> list[str]:
    """``{n}`` in a URL stands for 1, 2, 3 …"""
    if count > 1 and "{n}" not in url:
        raise CliError("several publishers need {n} in the URL", exit_status=2)
    return [url.replace("{n}", str(number)) for number in range(1, count + 1)]


@app.command()
def publish(
    url: Annotated[str, typer.Argument(help="rtmp://host/live/KEY; {n} counts publishers.")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=5000)] = 1,
    bitrate: Annotated[float, typer.Option(help="Mbit/s of each picture.", min=0.1)] = 6.0,
    fps: Annotated[int, typer.Option(min=1, max=240)] = 60,
    keyframe_interval: Annotated[float, typer.Option(help="Seconds.", min=0.1, max=30)] = 2.0,
    b_frames: Annotated[int, typer.Option(min=0, max=4)] = 0,
    duration: Annotated[float, typer.Option(help="Seconds; 0 for ever.", min=0)] = 0,
) -> None:
    """Publish over RTMP, every frame at its own time and stamped with this machine's clock."""
    from gamecast.bench.publisher import BenchError, publish
    from gamecast.bench.source import Source, SourceSettings

    settings = SourceSettings(
        bitrate=round(bitrate * 1e6),
        fps=fps,
        group=max(1, round(fps * keyframe_interval)),
        b_frames=b_frames,
    )
    urls = _numbered(url, count)
    source = Source(settings)
    try:
        results = asyncio.run(publish(urls, source, seconds=duration or None))
    except (BenchError, OSError, ValueError) as error:
        raise CliError(str(error)) from None
    except KeyboardInterrupt:
        return
    late = sum(result.late for result in results)
    frames = sum(result.frames for result in results)
    typer.echo(f"{count} published {frames} frames, {late} of them late")


@app.command()
def watch(
    url: Annotated[str, typer.Argument(help="http://…/NAME.flv, .ts, .mp4 or rtmp://…/NAME")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=60_000)] = 1,
    duration: Annotated[float, typer.Option(help="Seconds to measure.", min=1)] = 10,
    settle: Annotated[float, typer.Option(help="Seconds before that.", min=0)] = 2,
    sample: Annotated[int, typer.Option(help="Viewers checked frame by frame.", min=1)] = 20,
    pid: Annotated[
        list[int] | None, typer.Option(help="Process whose CPU is the target's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Watch with many light viewers; print what arrived, when, and what it cost."""
    from gamecast.bench.publisher import BenchError
    from gamecast.bench.watch import WatchSettings, watch

    settings = WatchSettings(
        viewers=count,
        seconds=duration,
        settle_seconds=settle,
        sample=sample,
        pids=tuple(pid or ()),
    )
    try:
        result = watch([url], settings, progress=_progress)
    except (BenchError, OSError, ValueError) as error:
        raise CliError(str(error)) from None
    if as_json:
        typer.echo(json.dumps(result.as_dict()))
    else:
        typer.echo("\n".join(_lines(result)))


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{text}\033[K", err=True, nl=False)


def _lines(result: WatchResult) -> list[str]:
    lines = [
        f"viewers        {result.viewers} ({result.closed} closed)",
        f"rate           {result.bits_per_second / 1e6:.1f} Mbit/s",
        f"frames         {result.frames} checked, {result.missed_frames} missed",
        f"groups missed  {result.missed_groups}",
        f"longest gap    {result.longest_gap * 1e3:.0f} ms",
        f"delay          {_times(result.delay)}",
        f"connect        {_times(result.connect)}",
        f"first media    {_times(result.first_media)}",
        f"viewers' CPU   {result.load_cpu:.1%} of a core",
    ]
    if result.cpu is not None and result.cpu_per_viewer is not None:
        lines.append(f"target's CPU   {result.cpu:.1%}, {result.cpu_per_viewer:.3%} a viewer")
    if result.bits_per_core_second is not None:
        lines.append(f"per core       {result.bits_per_core_second / 1e9:.1f} Gbit/s")
    return lines


def _times(values: dict[int, float]) -> str:
    names = {100: "max"}
    return ", ".join(f"{names.get(p, f'p{p}')} {v * 1e3:.1f} ms" for p, v in values.items())
