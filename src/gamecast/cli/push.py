"""``gamecast push``: capture or read, encode, publish."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gamecast.cli.errors import USAGE, CliError
from gamecast.cli.values import parse_bitrate, parse_fps, parse_size, show_bitrate

if TYPE_CHECKING:
    from gamecast.cli.push_view import View
    from gamecast.client.plan import Plan, PushOptions
    from gamecast.client.push.target import Target
    from gamecast.client.session import Outcome, PushSession

app = typer.Typer(help="Capture or read, encode, publish.")

T = TypeVar("T")
EXAMPLE = "rtmp://host/live/KEY"


@app.command()
def push(
    destinations: Annotated[
        list[str],
        typer.Argument(
            metavar="DESTINATION...",
            help=f"Where to: {EXAMPLE}, rtmps://..., or a file to record (.mp4, .mkv, .flv). "
            "The key may be in the environment variable GAMECAST_PUSH_KEY instead.",
            show_default=False,
        ),
    ],
    test: Annotated[
        bool, typer.Option("--test", help="Source: a moving scene with clocks.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="PATH", help="Source: a media file, in real time."),
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start the file again at its end.")] = False,
    audio: Annotated[
        str, typer.Option("--audio", metavar="default|none|tone|NAME", help="The sound.")
    ] = "default",
    encoder: Annotated[
        str,
        typer.Option("--encoder", metavar="auto|x264|nvenc|qsv|amf|vaapi|videotoolbox|copy"),
    ] = "auto",
    codec: Annotated[str, typer.Option("--codec", metavar="h264|hevc|av1")] = "h264",
    audio_codec: Annotated[str, typer.Option("--audio-codec", metavar="aac|opus")] = "aac",
    latency: Annotated[
        str,
        typer.Option(
            "--latency", metavar="quality|low|ultra", help="What the encoder may add in delay."
        ),
    ] = "low",
    size: Annotated[
        str | None, typer.Option("--size", metavar="WxH", help="Scale to this.")
    ] = None,
    fps: Annotated[str | None, typer.Option("--fps", metavar="N")] = None,
    bitrate: Annotated[
        str | None, typer.Option("--bitrate", metavar="6M", help="Of the pictures. [fits the size]")
    ] = None,
    audio_bitrate: Annotated[str, typer.Option("--audio-bitrate", metavar="160k")] = "160k",
    keyframe_interval: Annotated[
        float, typer.Option("--keyframe-interval", metavar="SECONDS", min=0.1, max=20)
    ] = 2.0,
    duration: Annotated[
        float | None,
        typer.Option("--duration", metavar="SECONDS", min=0.1, help="Stop after this."),
    ] = None,
    keep_trying: Annotated[
        bool, typer.Option("--keep-trying", help="Go on trying when the first connection fails.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object every second and at the end.")
    ] = False,
) -> None:
    """Capture or read, encode, publish.

    The exit status is 0 if all destinations were served to the end.
    """
    from gamecast.client.encode.probe import CHOICES
    from gamecast.client.encode.settings import Latency
    from gamecast.client.plan import PushOptions
    from gamecast.media.track import Codec

    options = PushOptions(
        test=test,
        file=file,
        loop=loop,
        audio=audio,
        encoder=_one_of("--encoder", encoder, CHOICES),
        codec=Codec(_one_of("--codec", codec, ("h264", "hevc", "av1"))),
        audio_codec=Codec(_one_of("--audio-codec", audio_codec, ("aac", "opus"))),
        latency=Latency(_one_of("--latency", latency, tuple(Latency))),
        size=_parsed(parse_size, size),
        fps=_parsed(parse_fps, fps),
        bitrate=_parsed(parse_bitrate, bitrate),
        audio_bitrate=_parsed(parse_bitrate, audio_bitrate) or 160_000,
        keyframe_interval=keyframe_interval,
    )
    targets = _targets(destinations)
    plan = _plan(options)
    outcome = _run(plan, targets, duration=duration, keep_trying=keep_trying, view=_view(as_json))
    if not outcome.ok:
        problems = ([outcome.problem] if outcome.problem else []) + outcome.failed
        raise CliError(*problems)


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value.lower() not in allowed:
        raise CliError(f"{option} {value}: choose from {', '.join(allowed)}", exit_status=USAGE)
    return value.lower()


def _parsed(parse: Callable[[str], T], text: str | None) -> T | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise CliError(str(error), exit_status=USAGE) from None


def _targets(destinations: list[str]) -> list[Target]:
    from gamecast.client.push.target import TargetError, parse_target

    try:
        return [parse_target(text, os.environ) for text in destinations]
    except TargetError as error:
        raise CliError(str(error), exit_status=USAGE) from None


def _plan(options: PushOptions) -> Plan:
    from gamecast.client.capture.source import SourceError
    from gamecast.client.encode.settings import EncoderError
    from gamecast.client.plan import PlanError, make_plan

    try:
        return make_plan(options)
    except PlanError as error:
        raise CliError(str(error), exit_status=USAGE) from None
    except (SourceError, EncoderError) as error:
        raise CliError(str(error)) from None


def _view(as_json: bool) -> View:
    from rich.console import Console

    from gamecast.cli.push_view import JsonView, PlainView, TerminalView

    console = Console()
    if as_json:
        return JsonView(typer.echo)
    return TerminalView(console) if console.is_terminal else PlainView(typer.echo)


def _run(
    plan: Plan, targets: list[Target], *, duration: float | None, keep_trying: bool, view: View
) -> Outcome:
    from gamecast.client.report import Meter
    from gamecast.client.session import PushSession

    session = PushSession(
        sources=plan.sources,
        video=plan.video,
        audio=plan.audio,
        targets=targets,
        keep_trying=keep_trying,
    )
    meter = Meter()
    destinations = [destination.stats for destination in session.destinations]

    def show() -> None:
        view.show(meter.read(session.elapsed(), session.encode_stats, destinations))

    view.begin(describe(plan, targets))
    with _signals(session):
        outcome = session.run(duration=duration, tick=show, tick_every=view.interval)
    view.end(meter.read(outcome.seconds, session.encode_stats, destinations), outcome)
    return outcome


def describe(plan: Plan, targets: list[Target]) -> list[str]:
    """What is about to happen: sources, encoder and why not another one, destinations."""
    lines = [f"source       {source.name}" for source in plan.sources]
    lines += [
        f"             {probe.encoder} passed over: {probe.problem}"
        for probe in plan.probes
        if probe.problem is not None
    ]
    if plan.video is not None:
        settings = plan.video.settings
        lines.append(
            f"video        {plan.video.name}, {settings.width}x{settings.height} at "
            f"{float(settings.fps):g} fps, {show_bitrate(settings.bitrate)}, keyframe every "
            f"{settings.keyframe_interval:g} s, latency {settings.latency}"
        )
    if plan.audio is not None:
        sound = plan.audio.settings
        lines.append(f"sound        {sound.codec}, {show_bitrate(sound.bitrate)}")
    lines += [
        f"passed on    {track.codec_string}" for source in plan.sources for track in source.tracks
    ]
    return lines + [f"destination  {target.shown}" for target in targets]


class _signals:  # noqa: N801 - used like a function
    """While inside: SIGINT and SIGTERM end the push in an orderly way; the second one at once."""

    def __init__(self, session: PushSession) -> None:
        self._session = session
        self._old: dict[int, object] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._old[number] = signal.signal(number, self._stop)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _stop(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        self._session.stop()
