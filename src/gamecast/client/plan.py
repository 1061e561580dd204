"""From what the user asked for to opened sources and encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from gamecast.client.capture.desktop import (
    open_camera,
    open_desktop_region,
    open_desktop_screen,
    open_desktop_window,
)
from gamecast.client.capture.file import FileSource
from gamecast.client.capture.source import AudioFormat, Source, SourceError, VideoFormat
from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.tone import Tone
from gamecast.client.capture.x11.wire import Geometry
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.probe import Probe, choose
from gamecast.client.encode.settings import (
    AudioSettings,
    EncoderError,
    Latency,
    VideoSettings,
    default_bitrate,
)
from gamecast.client.encode.video import VideoEncoder
from gamecast.media.track import Codec

TEST_SIZE = (1280, 720)
DEFAULT_FPS = Fraction(30)


class PlanError(ValueError):
    """Options that do not go together; one clear line."""


@dataclass(slots=True, frozen=True, kw_only=True)
class PushOptions:
    """Everything that decides sources and encoders; ``None`` means "what fits"."""

    test: bool = False
    screen: int | None = None
    window: str | None = None
    """A regular expression for the window's title."""
    region: Geometry | None = None
    camera: str | None = None
    """A camera's name; empty for the first one."""
    file: Path | None = None
    loop: bool = False
    cursor: bool = True
    audio: str = "default"
    """``default``, ``none``, ``tone`` or the name of a device."""
    encoder: str = "auto"
    codec: Codec = Codec.H264
    audio_codec: Codec = Codec.AAC
    audio_bitrate: int = 160_000
    latency: Latency = Latency.LOW
    size: tuple[int, int] | None = None
    fps: Fraction | None = None
    bitrate: int | None = None
    keyframe_interval: float = 2.0

    @property
    def copy(self) -> bool:
        """Whether packets are passed on without decoding."""
        return self.encoder == "copy"


@dataclass(slots=True)
class Plan:
    """Opened and ready to run."""

    sources: list[Source]
    video: VideoEncoder | None = None
    audio: AudioEncoder | None = None
    probes: Sequence[Probe] = ()
    """How the candidates for the video encoder did."""

    def close(self) -> None:
        """Release the sources of a plan that is not run."""
        for source in self.sources:
            source.stop()


def make_plan(options: PushOptions) -> Plan:
    """Open what the options name.

    Raises ``PlanError``, ``SourceError`` or ``EncoderError``, each with one line for the user.
    """
    check(options)
    plan = Plan([])
    try:
        plan.sources.append(open_source(options))
        if not options.copy:
            plan.sources += open_sound(options, has_sound=plan.sources[0].audio_format is not None)
            _add_encoders(plan, options)
    except (SourceError, EncoderError):
        plan.close()
        raise
    return plan


def check(options: PushOptions) -> None:
    """Raise ``PlanError`` for options that contradict each other."""
    chosen = [
        name
        for name, on in (
            ("--test", options.test),
            ("--screen", options.screen is not None),
            ("--window", options.window is not None),
            ("--region", options.region is not None),
            ("--camera", options.camera is not None),
            ("--file", options.file is not None),
        )
        if on
    ]
    if not chosen:
        raise PlanError("nothing to push: give a source, for example --screen, --test or --file")
    if len(chosen) > 1:
        raise PlanError(f"one source at a time: {' and '.join(chosen)} were given")
    if options.loop and options.file is None:
        raise PlanError("--loop goes with --file")
    if options.copy and options.file is None:
        raise PlanError("--encoder copy goes with --file: what is captured has to be encoded")
    if options.copy and (options.size or options.fps or options.bitrate):
        raise PlanError("--encoder copy changes nothing: leave out --size, --fps and --bitrate")


def open_source(options: PushOptions) -> Source:
    """The source of the pictures (and, for a file, of its sound)."""
    if options.file is not None:
        return FileSource(options.file, loop=options.loop, copy=options.copy)
    fps, cursor = options.fps or DEFAULT_FPS, options.cursor
    if options.screen is not None:
        return open_desktop_screen(options.screen, fps, cursor=cursor)
    if options.window is not None:
        return open_desktop_window(options.window, fps, cursor=cursor)
    if options.region is not None:
        return open_desktop_region(options.region, fps, cursor=cursor)
    if options.camera is not None:
        return open_camera(options.camera, fps, options.size)
    width, height = options.size or TEST_SIZE
    try:
        return TestScene(width, height, fps)
    except ValueError as error:
        raise SourceError(str(error)) from error


def open_sound(options: PushOptions, *, has_sound: bool) -> list[Source]:
    """The sources of sound beside the pictures' own."""
    if options.audio == "none":
        return []
    if options.audio == "tone" or (options.audio == "default" and options.test):
        return [Tone()]
    if options.audio == "default":
        return []
    raise SourceError(f"sound source {options.audio!r} is not supported yet: tone, none, default")


def _add_encoders(plan: Plan, options: PushOptions) -> None:
    pictures = next((source.video_format for source in plan.sources if source.video_format), None)
    if pictures is not None:
        settings = video_settings(options, pictures)
        name, plan.probes = choose(options.encoder, settings)
        plan.video = VideoEncoder(name, settings)
    sound = next((source.audio_format for source in plan.sources if source.audio_format), None)
    if sound is not None and options.audio != "none":
        plan.audio = AudioEncoder(audio_settings(options, sound))


def video_settings(options: PushOptions, pictures: VideoFormat) -> VideoSettings:
    """What to encode pictures of this format to."""
    width, height = options.size or (pictures.width // 2 * 2, pictures.height // 2 * 2)
    fps = options.fps or pictures.fps
    return VideoSettings(
        width=width,
        height=height,
        fps=fps,
        bitrate=options.bitrate or default_bitrate(width, height, fps, options.codec),
        codec=options.codec,
        latency=options.latency,
        keyframe_interval=options.keyframe_interval,
    )


def audio_settings(options: PushOptions, sound: AudioFormat) -> AudioSettings:
    """What to encode sound of this format to; always 48 kHz, which AAC and Opus share."""
    return AudioSettings(
        codec=options.audio_codec, channels=min(sound.channels, 2), bitrate=options.audio_bitrate
    )
