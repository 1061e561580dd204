"""``gamecast bench``: load for this or any other server, and what arrived of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gamecast.bench.watched import Watched
from gamecast.cli.errors import CliError

if TYPE_CHECKING:
    from gamecast.bench.published import PublishResult


class Ingest(StrEnum):
    """What ``publish`` speaks."""

    RTMP = "rtmp"
    SRT = "srt"
    WHIP = "whip"
    RTP = "rtp"


class Sound(StrEnum):
    """What ``publish`` sends beside the picture."""

    AAC = "aac"
    OPUS = "opus"


Pids = Annotated[list[int] | None, typer.Option(help="Process whose CPU is the target's.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]

app = typer.Typer(no_args_is_help=True, help="Generate load: publishers and viewers.")


def _numbered(url: str, count: int) -> list[str]:
    """``{n}`` in a URL stands for 1, 2, 3 …"""
    if count > 1 and "{n}" not in url:
        raise CliError("several publishers need {n} in the URL", exit_status=2)
    return [url.replace("{n}", str(number)) for number in range(1, count + 1)]


@app.command()
def publish(
    url: Annotated[
        str,
        typer.Argument(
            help="rtmp(s)://host/live/KEY, srt://host:8890?streamid=…, http(s)://…/whip or "
            "rtp://host:PORT"
            "?audio=PORT; {n} counts publishers."
        ),
    ],
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=5000)] = 1,
    protocol: Annotated[
        Ingest | None, typer.Option(help="Said by the URL, too; this checks it.")
    ] = None,
    bitrate: Annotated[float, typer.Option(help="Mbit/s of each picture.", min=0.1)] = 6.0,
    fps: Annotated[int, typer.Option(min=1, max=240)] = 60,
    keyframe_interval: Annotated[float, typer.Option(help="Seconds.", min=0.1, max=30)] = 2.0,
    b_frames: Annotated[int, typer.Option(min=0, max=4, help="WHIP and rtp:// take none.")] = 0,
    audio: Annotated[Sound | None, typer.Option(help="AAC, but Opus for WHIP and rtp://.")] = None,
    stamp_every: Annotated[
        int, typer.Option(help="Frames; over RTP a stamp is a packet of its own.", min=1, max=22)
    ] = 1,
    key: Annotated[
        str, typer.Option(envvar="GAMECAST_BENCH_KEY", help="Bearer token for WHIP.")
    ] = "",
    duration: Annotated[float, typer.Option(help="Seconds; 0 for ever.", min=0)] = 0,
    pid: Pids = None,
    as_json: AsJson = False,
) -> None:
    """Publish, every frame at its own time, stamped with this machine's clock."""
    from gamecast.bench.errors import BenchError
    from gamecast.bench.publisher import publish
    from gamecast.bench.source import Source, SourceSettings
    from gamecast.cli.bench_view import publish_lines
    from gamecast.media.errors import MediaError
    from gamecast.media.track import Codec

    _check_protocol(url, protocol)
    over_rtp = url.startswith(("http", "rtp:"))
    if over_rtp and (b_frames or audio is Sound.AAC):
        raise CliError("WebRTC carries neither B-frames nor AAC", exit_status=2)
    settings = SourceSettings(
        bitrate=round(bitrate * 1e6),
        fps=fps,
        group=max(1, round(fps * keyframe_interval)),
        b_frames=b_frames,
        audio=Codec((audio or (Sound.OPUS if over_rtp else Sound.AAC)).value),
        stamp_every=stamp_every,
    )
    urls = _numbered(url, count)
    try:
        source = Source(settings)
        result = _run(
            publish(
                urls,
                source,
                seconds=duration or None,
                key=key,
                pids=tuple(pid or ()),
                started=lambda: typer.echo(f"{count} publishing", err=as_json),
                progress=_progress,
            )
        )
    except (BenchError, MediaError, OSError, ValueError) as error:
        raise CliError(str(error)) from None
    except KeyboardInterrupt:  # before all were connected
        return
    typer.echo(json.dumps(result.as_dict()) if as_json else "\n".join(publish_lines(result)))


def _run(work: Coroutine[None, None, PublishResult]) -> PublishResult:
    from gamecast.bench.loop import new_loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


def _check_protocol(url: str, protocol: Ingest | None) -> None:
    scheme = url.partition(":")[0]
    said = {"http": "whip", "https": "whip", "rtmps": "rtmp"}.get(scheme, scheme)
    if protocol is not None and said != protocol:
        # The rest of the URL may hold the key.
        raise CliError(f"{scheme}:// is not a URL for {protocol.value}", exit_status=2)


@app.command()
def watch(
    url: Annotated[
        str,
        typer.Argument(help="http(s)://…/NAME.flv, .ts, .mp4, .m3u8, …/whep, rtmp(s):// or srt://"),
    ],
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=60_000)] = 1,
    protocol: Annotated[
        Watched | None, typer.Option(help="Where the URL does not tell; hls is without parts.")
    ] = None,
    duration: Annotated[float, typer.Option(help="Seconds to measure.", min=1)] = 10,
    settle: Annotated[float, typer.Option(help="Seconds before that.", min=0)] = 2,
    sample: Annotated[int, typer.Option(help="Viewers checked frame by frame.", min=1)] = 20,
    pid: Pids = None,
    key: Annotated[
        str, typer.Option(envvar="GAMECAST_BENCH_KEY", help="Bearer token for WHEP.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Watch with many light viewers; print what arrived, when, and what it cost."""
    from gamecast.bench.errors import BenchError
    from gamecast.bench.watch import WatchSettings, watch
    from gamecast.cli.bench_view import watch_lines

    settings = WatchSettings(
        viewers=count,
        protocol=protocol,
        seconds=duration,
        settle_seconds=settle,
        sample=sample,
        pids=tuple(pid or ()),
        key=key,
    )
    try:
        result = watch([url], settings, progress=_progress)
    except (BenchError, OSError, ValueError) as error:
        raise CliError(str(error)) from None
    if as_json:
        typer.echo(json.dumps(result.as_dict()))
    else:
        typer.echo("\n".join(watch_lines(result)))


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{text}\033[K", err=True, nl=False)
