"""``gamecast push``: capture or read, encode, publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gamecast.cli.push_command import PushCommand

app = typer.Typer(help="Capture or read, encode, publish.")

SOURCE, SOUND, ENCODING, RUNNING = "Source", "Sound", "Encoding", "Running"


def option(name: str, panel: str, help: str = "", metavar: str | None = None, **more: Any) -> Any:
    """An option in one of the help's panels."""
    return typer.Option(name, metavar=metavar, help=help, rich_help_panel=panel, **more)


@app.command(cls=PushCommand)
def push(
    destinations: Annotated[
        list[str],
        typer.Argument(
            metavar="DESTINATION...",
            help="Where to: rtmp://host/live/KEY, rtmps://..., srt://..., whip://host:8080/whip "
            "(WebRTC), or a file to record (.mp4, .mkv, .flv); several at once from one encode. "
            "The key may be in the environment variable GAMECAST_PUSH_KEY instead.",
            show_default=False,
        ),
    ],
    screen: Annotated[
        int | None, option("--screen", SOURCE, "A screen; see 'gamecast devices'.", "[N]")
    ] = None,
    window: Annotated[
        str | None,
        option("--window", SOURCE, "The window whose title this matches (an expression).", "TITLE"),
    ] = None,
    region: Annotated[
        str | None, option("--region", SOURCE, "A part of the screen.", "WxH+X+Y")
    ] = None,
    camera: Annotated[str | None, option("--camera", SOURCE, "A camera.", "[NAME]")] = None,
    test: Annotated[bool, option("--test", SOURCE, "A moving scene with clocks.")] = False,
    file: Annotated[
        Path | None, option("--file", SOURCE, "A media file, in real time.", "PATH")
    ] = None,
    loop: Annotated[bool, option("--loop", SOURCE, "Start the file again at its end.")] = False,
    cursor: Annotated[
        bool, option("--cursor/--no-cursor", SOURCE, "Show the mouse pointer.")
    ] = True,
    audio: Annotated[
        str, option("--audio", SOUND, "What is heard.", "default|none|tone|NAME")
    ] = "default",
    audio_gain: Annotated[
        float, option("--audio-gain", SOUND, "Of that sound.", "DB", min=-60, max=30)
    ] = 0.0,
    mic: Annotated[str | None, option("--mic", SOUND, "Mix in a microphone.", "[NAME]")] = None,
    mic_gain: Annotated[float, option("--mic-gain", SOUND, "", "DB", min=-60, max=30)] = 0.0,
    mute_mic: Annotated[
        bool, option("--mute-mic", SOUND, "Begin with it muted; see 'gamecast ctl'.")
    ] = False,
    denoise: Annotated[
        bool, option("--denoise", SOUND, "Take steady noise out of the microphone.")
    ] = False,
    separate_tracks: Annotated[
        bool,
        option(
            "--separate-tracks", SOUND, "Recordings also get game and microphone by themselves."
        ),
    ] = False,
    audio_codec: Annotated[str, option("--audio-codec", SOUND, "", "aac|opus")] = "aac",
    audio_bitrate: Annotated[str, option("--audio-bitrate", SOUND, "", "160k")] = "160k",
    encoder: Annotated[
        str,
        option(
            "--encoder",
            ENCODING,
            "'copy' passes a file on as it is.",
            "auto|x264|nvenc|qsv|amf|vaapi|videotoolbox|copy",
        ),
    ] = "auto",
    codec: Annotated[str, option("--codec", ENCODING, "", "h264|hevc|av1")] = "h264",
    latency: Annotated[
        str,
        option("--latency", ENCODING, "What may be added in delay.", "quality|low|ultra"),
    ] = "low",
    size: Annotated[str | None, option("--size", ENCODING, "Scale to this.", "WxH")] = None,
    fps: Annotated[str | None, option("--fps", ENCODING, "Frames per second.", "N")] = None,
    bitrate: Annotated[
        str | None, option("--bitrate", ENCODING, "Of the pictures; else what fits.", "6M")
    ] = None,
    keyframe_interval: Annotated[
        float, option("--keyframe-interval", ENCODING, "", "SECONDS", min=0.1, max=20)
    ] = 2.0,
    dynamic_bitrate: Annotated[
        bool | None,
        option(
            "--dynamic-bitrate/--no-dynamic-bitrate",
            ENCODING,
            "Adapt to a slow uplink instead of dropping pictures; on with one URL.",
            show_default=False,
        ),
    ] = None,
    duration: Annotated[
        float | None, option("--duration", RUNNING, "Stop after this.", "SECONDS", min=0.1)
    ] = None,
    replay: Annotated[
        float | None,
        option(
            "--replay",
            RUNNING,
            "Keep the last seconds in memory for 'gamecast ctl replay'.",
            "SECONDS",
            min=1,
            max=600,
        ),
    ] = None,
    hotkey: Annotated[
        list[str] | None,
        option(
            "--hotkey",
            RUNNING,
            "A key that works in every window and a command of 'gamecast ctl' (X11): "
            "ctrl+alt+r='record toggle'; again for more.",
            "KEYS=COMMAND",
            show_default=False,
        ),
    ] = None,
    keep_trying: Annotated[
        bool, option("--keep-trying", RUNNING, "Go on when the first connection fails.")
    ] = False,
    profile: Annotated[
        str | None, option("--profile", RUNNING, "Take options from push.toml.", "NAME")
    ] = None,
    dry_run: Annotated[
        bool, option("--dry-run", RUNNING, "Say what would be done, and do not.")
    ] = False,
    as_json: Annotated[
        bool, option("--json", RUNNING, "A JSON object every second, and at the end.")
    ] = False,
) -> None:
    """Capture or read, encode, publish.

    The exit status is 0 if all destinations were served to the end.
    """
    from gamecast.cli.push_options import read_hotkeys, read_options, read_targets
    from gamecast.cli.push_run import Running, run

    options = read_options(
        screen=screen,
        window=window,
        region=region,
        camera=camera,
        test=test,
        file=file,
        loop=loop,
        cursor=cursor,
        audio=audio,
        audio_gain=audio_gain,
        mic=mic,
        mic_gain=mic_gain,
        mute_mic=mute_mic,
        denoise=denoise,
        separate_tracks=separate_tracks,
        audio_codec=audio_codec,
        audio_bitrate=audio_bitrate,
        encoder=encoder,
        codec=codec,
        latency=latency,
        size=size,
        fps=fps,
        bitrate=bitrate,
        keyframe_interval=keyframe_interval,
    )
    running = Running(
        targets=read_targets(destinations),
        duration=duration,
        replay=replay,
        hotkeys=read_hotkeys(hotkey or []),
        keep_trying=keep_trying,
        dynamic_bitrate=dynamic_bitrate,
        dry_run=dry_run,
        as_json=as_json,
    )
    run(options, running)
