"""From what the user asked for to opened sources and encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from gamecast.client.capture.desktop import (
    open_camera,
    open_desktop_region,
    open_desktop_screen,
    open_desktop_window,
)
from gamecast.client.capture.file import FileSource
from gamecast.client.capture.sound.mixer import Channel, Mixer
from gamecast.client.capture.sound.open import open_sound
from gamecast.client.capture.source import AudioFormat, Source, SourceError, VideoFormat
from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.x11.wire import Geometry
from gamecast.client.encode.audio import FIRST_STEM, AudioEncoder
from gamecast.client.encode.opening import PictureEncoder, open_encoder
from gamecast.client.encode.probe import Probe, choose
from gamecast.client.encode.settings import (
    AudioSettings,
    EncoderError,
    Latency,
    VideoSettings,
    default_bitrate,
)
from gamecast.client.push.routing import audio_codecs
from gamecast.client.push.target import Target
from gamecast.client.push.whip_target import WhipTarget
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
    audio_gain: float = 1.0
    mic: str | None = None
    """The microphone to mix in: its name; empty for the default one."""
    mic_gain: float = 1.0
    mute_mic: bool = False
    denoise: bool = False
    """Take steady noise out of the microphone."""
    separate_tracks: bool = False
    """Recordings also get every input of sound as a track of its own."""
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
    video: PictureEncoder | None = None
    audio: list[AudioEncoder] = field(default_factory=list)
    """One for each codec that the destinations want, and from ``FIRST_STEM`` on one for each of
    the mixer's inputs, where they are wanted as separate tracks."""
    probes: Sequence[Probe] = ()
    """How the candidates for the video encoder did."""
    notes: list[str] = field(default_factory=list)
    """What the user should know but did not ask for."""

    @property
    def mixer(self) -> Mixer | None:
        """What mixes the sound, where something does."""
        return next((each for each in self.sources if isinstance(each, Mixer)), None)

    @property
    def channels(self) -> list[Channel]:
        """The mixer's inputs, to be set while it runs."""
        return self.mixer.channels if self.mixer is not None else []

    def close(self) -> None:
        """Release the sources of a plan that is not run."""
        for source in self.sources:
            source.stop()


def make_plan(options: PushOptions, targets: Sequence[Target] = ()) -> Plan:
    """Open what the options name, and the encoders that the targets need.

    Raises ``PlanError``, ``SourceError`` or ``EncoderError``, each with one line for the user.
    """
    check(options)
    plan = Plan([])
    try:
        plan.sources.append(open_source(options))
        plan.notes += plan.sources[0].notes
        if not options.copy:
            has_sound = plan.sources[0].audio_format is not None
            sounds, notes = open_sounds(options, has_sound=has_sound)
            plan.sources += sounds
            plan.notes += notes
            _add_encoders(plan, options, targets)
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
        raise PlanError(
            "nothing to push: add a source, for example --screen, --window TITLE or --test "
            "('gamecast devices' lists what there is)"
        )
    if len(chosen) > 1:
        raise PlanError(f"one source at a time: {' and '.join(chosen)} were given")
    if (options.denoise or options.mute_mic) and options.mic is None:
        raise PlanError("--denoise and --mute-mic go with --mic")
    if options.loop and options.file is None:
        raise PlanError("--loop goes with --file")
    if options.copy and options.file is None:
        raise PlanError("--encoder copy goes with --file: what is captured has to be encoded")
    if options.copy and (options.size or options.fps or options.bitrate):
        raise PlanError("--encoder copy changes nothing: leave out --size, --fps and --bitrate")


def open_source(options: PushOptions) -> Source:
    """The source of the pictures (and, for a file, of its sound)."""
    if options.file is not None:
        sound = options.audio == "default" and options.mic is None
        return FileSource(
            options.file, loop=options.loop, copy=options.copy, sound=sound or options.copy
        )
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


def open_sounds(options: PushOptions, *, has_sound: bool) -> tuple[list[Source], list[str]]:
    """The sources of sound beside the pictures' own, and what to tell the user about them.

    The machine's own sound is left out where it cannot be had and was not asked for by name.
    """
    wanted, notes = _wanted_sounds(options, has_sound=has_sound), []
    inputs: list[tuple[Source, Channel]] = []
    for channel, name in wanted:
        try:
            inputs.append((open_sound(name), channel))
        except SourceError as error:
            if name != "default" or len(wanted) > 1:
                for source, _ in inputs:
                    source.stop()
                hint = "'gamecast devices' lists what can be heard"
                raise SourceError(f"{error}; {hint}") from error
            notes.append(f"no sound: {error} ('gamecast devices' lists what can be heard)")
    if not inputs:
        return [], notes
    single = len(inputs) == 1 and not options.separate_tracks
    if single and inputs[0][1].gain == 1.0 and wanted[0][1] == "tone":
        return [inputs[0][0]], notes
    return [Mixer(inputs)], notes


def _wanted_sounds(options: PushOptions, *, has_sound: bool) -> list[tuple[Channel, str]]:
    """Mixer channels and names of what to open."""
    game = options.audio
    if game == "default" and options.test:
        game = "tone"
    wanted = []
    if game != "none" and not (game == "default" and (has_sound or options.file is not None)):
        wanted.append((Channel("game", gain=options.audio_gain), game))
    if options.mic is not None:
        name = options.mic or "mic"
        channel = Channel(
            "mic", gain=options.mic_gain, muted=options.mute_mic, denoise=options.denoise
        )
        wanted.append((channel, name))
    return wanted


def _add_encoders(plan: Plan, options: PushOptions, targets: Sequence[Target]) -> None:
    pictures = next((source.video_format for source in plan.sources if source.video_format), None)
    if pictures is not None:
        settings = video_settings(options, pictures)
        if settings.reorder and any(isinstance(target, WhipTarget) for target in targets):
            settings = replace(settings, b_frames=False)
            plan.notes.append("no B-frames: WHIP, one of the destinations, cannot carry them")
        name, plan.probes = choose(options.encoder, settings)
        plan.video = open_encoder(name, settings)
    sound = next((source.audio_format for source in plan.sources if source.audio_format), None)
    if sound is not None:
        for number, codec in enumerate(audio_codecs(targets, options.audio_codec), 1):
            wanted = replace(audio_settings(options, sound), codec=codec)
            plan.audio.append(AudioEncoder(wanted, track_id=number))
    if options.separate_tracks:
        wanted = audio_settings(options, AudioFormat())
        plan.audio += [
            AudioEncoder(wanted, track_id=FIRST_STEM + number)
            for number, _ in enumerate(plan.channels)
        ]


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
