"""Running one ``gamecast push``: plan, session, what is shown, signals, exit status."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

import typer
from rich.console import Console

from gamecast.cli.errors import USAGE, CliError
from gamecast.cli.push_view import JsonView, PlainView, TerminalView, View
from gamecast.cli.values import show_bitrate
from gamecast.client.capture.source import SourceError
from gamecast.client.control import ControlServer, control_folder
from gamecast.client.controls import Controls
from gamecast.client.encode.audio import FIRST_STEM
from gamecast.client.encode.settings import EncoderError
from gamecast.client.hotkeys import Hotkey, HotkeyError, Hotkeys
from gamecast.client.plan import Plan, PlanError, PushOptions, make_plan
from gamecast.client.push.target import Target
from gamecast.client.report import Meter
from gamecast.client.session import Outcome, PushSession


@dataclass(slots=True, frozen=True, kw_only=True)
class Running:
    """What is to be done beside capturing and encoding."""

    targets: list[Target]
    duration: float | None = None
    replay: float | None = None
    hotkeys: Sequence[Hotkey] = ()
    keep_trying: bool = False
    dynamic_bitrate: bool | None = None
    dry_run: bool = False
    as_json: bool = False


def run(options: PushOptions, running: Running) -> None:
    """Do it; raises ``CliError`` if it fails or a destination was not served to the end."""
    plan = _plan(options, running.targets)
    if running.dry_run:
        plan.close()
        for line in describe(plan, running.targets):
            typer.echo(line)
        return
    outcome = _push(plan, running)
    if not outcome.ok:
        problems = ([outcome.problem] if outcome.problem else []) + outcome.failed
        raise CliError(*problems)


def _plan(options: PushOptions, targets: list[Target]) -> Plan:
    try:
        return make_plan(options, targets)
    except PlanError as error:
        raise CliError(str(error), exit_status=USAGE) from None
    except (SourceError, EncoderError) as error:
        raise CliError(str(error)) from None


def _push(plan: Plan, running: Running) -> Outcome:
    view = _view(as_json=running.as_json)
    session = PushSession(
        sources=plan.sources,
        video=plan.video,
        audio=plan.audio,
        targets=running.targets,
        keep_trying=running.keep_trying,
        dynamic_bitrate=running.dynamic_bitrate,
        replay=running.replay,
    )
    controls = Controls(session, channels=plan.channels)
    meter = Meter()
    destinations = [destination.stats for destination in session.destinations]

    def show() -> None:
        view.show(meter.read(session.elapsed(), session.encode_stats, destinations))

    view.begin(describe(plan, running.targets))
    with _ended_by_signals(session.stop), _controlled(controls), _keys(controls, running):
        outcome = session.run(duration=running.duration, tick=show, tick_every=view.interval)
    view.end(meter.read(outcome.seconds, session.encode_stats, destinations), outcome)
    return outcome


def _view(*, as_json: bool) -> View:
    if as_json:
        return JsonView(typer.echo)
    console = Console()
    return TerminalView(console) if console.is_terminal else PlainView(typer.echo)


def describe(plan: Plan, targets: list[Target]) -> list[str]:
    """What is about to happen: sources, encoder and why not another one, destinations."""
    lines = [f"source       {source.name}" for source in plan.sources]
    lines += [f"             {note}" for note in plan.notes]
    if plan.video is not None:
        settings = plan.video.settings
        lines.append(
            f"video        {plan.video.name}, {settings.width}x{settings.height} at "
            f"{float(settings.fps):g} fps, {show_bitrate(settings.bitrate)}"
        )
        lines.append(
            f"             keyframe every {settings.keyframe_interval:g} s, "
            f"latency {settings.latency}"
        )
    lines += [
        f"             not by {probe.choice}: {probe.problem}"
        for probe in plan.probes
        if probe.problem is not None
    ]
    mixed = [encoder for encoder in plan.audio if encoder.track.id < FIRST_STEM]
    for sound in (encoder.settings for encoder in mixed):
        lines.append(f"sound        {sound.codec}, {show_bitrate(sound.bitrate)}")
    if len(mixed) < len(plan.audio):
        names = ", ".join(channel.name for channel in plan.channels)
        lines.append(f"             recordings also get {names} as tracks of their own")
    lines += [
        f"passed on    {track.codec_string}" for source in plan.sources for track in source.tracks
    ]
    return lines + [f"destination  {target.shown}" for target in targets]


@contextmanager
def _controlled(controls: Controls) -> Iterator[None]:
    """Inside, ``gamecast ctl`` reaches this push; without a socket for it the push goes on too."""
    with ExitStack() as stack:
        stack.callback(controls.close)
        with suppress(OSError):
            stack.enter_context(ControlServer(controls.carry_out, control_folder()))
        yield


@contextmanager
def _keys(controls: Controls, running: Running) -> Iterator[None]:
    """Inside, the hotkeys work; raises ``CliError`` where one cannot be had."""
    if not running.hotkeys:
        yield
        return
    try:
        keys = Hotkeys(
            running.hotkeys, controls.carry_out, tell=lambda line: typer.echo(line, err=True)
        )
    except HotkeyError as error:
        raise CliError(str(error)) from None
    with closing(keys):
        yield


@contextmanager
def _ended_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Inside, SIGINT and SIGTERM call ``stop``; the second one ends the program at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    old = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
