"""``gamecast push``: capture or read, encode, publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gamecast.cli.push_command import PushCommand

app = typer.Typer(
    help="Send your screen, a window or a file to a server, a platform or a recording.",
    add_completion=False,
)

SOURCE, SOUND, ENCODING, NETWORK, RUNNING = "Source", "Sound", "Encoding", "Network", "Running"


def option(name: str, panel: str, help: str = "", metavar: str | None = None, **more: Any) -> Any:
    """An option in one of the help's panels; without ``metavar`` it takes no value."""
    return typer.Option(name, metavar=metavar or " ", help=help, rich_help_panel=panel, **more)


@app.command(cls=PushCommand)
def push(
    destinations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DESTINATION...",
            help="Where to: rtmp://host/live/KEY, rtmps://..., srt://host:8890?streamid=KEY, "
            "whip://host:8080/whip (WebRTC), or a file to record (.mp4, .mkv, .flv); several at "
            "once from one encode. The environment variable GAMECAST_PUSH_KEY may hold the key, "
            "which other users of this machine then do not see.",
            show_default=False,
        ),
    ] = None,
    screen: Annotated[
        int | None, option("--screen", SOURCE, "A screen; 'gamecast devices' lists them.", "[N]")
    ] = None,
    window: Annotated[
        str | None,
        option(
            "--window", SOURCE, "The window with this in its title (a regular expression).", "TITLE"
        ),
    ] = None,
    region: Annotated[
        str | None,
        option("--region", SOURCE, "A part of the screen: size and top left corner.", "WxH+X+Y"),
    ] = None,
    camera: Annotated[str | None, option("--camera", SOURCE, "A camera.", "[NAME]")] = None,
    test: Annotated[
        bool, option("--test", SOURCE, "A built-in moving scene with sound, to try everything.")
    ] = False,
    file: Annotated[
        Path | None, option("--file", SOURCE, "A media file, sent in real time.", "PATH")
    ] = None,
    loop: Annotated[bool, option("--loop", SOURCE, "Start the file again at its end.")] = False,
    cursor: Annotated[
        bool, option("--cursor/--no-cursor", SOURCE, "Show the mouse pointer.")
    ] = True,
    audio: Annotated[
        str,
        option(
            "--audio",
            SOUND,
            "What is heard: default (what you hear), none, tone, or a NAME.",
            "SOUND",
        ),
    ] = "default",
    audio_gain: Annotated[
        float,
        option("--audio-gain", SOUND, "Make that sound louder or softer.", "DB", min=-60, max=30),
    ] = 0.0,
    mic: Annotated[str | None, option("--mic", SOUND, "Mix in a microphone.", "[NAME]")] = None,
    mic_gain: Annotated[
        float,
        option("--mic-gain", SOUND, "Make the microphone louder or softer.", "DB", min=-60, max=30),
    ] = 0.0,
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
    audio_codec: Annotated[
        str, option("--audio-codec", SOUND, "aac or opus; WHIP always gets Opus.", "CODEC")
    ] = "aac",
    audio_bitrate: Annotated[
        str, option("--audio-bitrate", SOUND, "Bits per second.", "RATE")
    ] = "160k",
    encoder: Annotated[
        str,
        option(
            "--encoder",
            ENCODING,
            "auto (the graphics card if it can, else x264), x264, nvenc, qsv, amf, vaapi, "
            "videotoolbox, or copy (pass a file on as it is).",
            "NAME",
        ),
    ] = "auto",
    codec: Annotated[
        str, option("--codec", ENCODING, "h264 (plays everywhere), hevc or av1.", "CODEC")
    ] = "h264",
    latency: Annotated[
        str,
        option(
            "--latency",
            ENCODING,
            "low for games, ultra for remote play, quality where a second more does not matter.",
            "MODE",
        ),
    ] = "low",
    size: Annotated[
        str | None,
        option("--size", ENCODING, "Scale to this size; else that of the source.", "WxH"),
    ] = None,
    fps: Annotated[
        str | None, option("--fps", ENCODING, "Frames per second; else 30, or the file's.", "N")
    ] = None,
    bitrate: Annotated[
        str | None,
        option(
            "--bitrate",
            ENCODING,
            "Of the pictures, as 6M or 4500k; else what fits the size.",
            "RATE",
        ),
    ] = None,
    keyframe_interval: Annotated[
        float,
        option(
            "--keyframe-interval",
            ENCODING,
            "Viewers can join at a keyframe.",
            "SECONDS",
            min=0.1,
            max=20,
        ),
    ] = 2.0,
    dynamic_bitrate: Annotated[
        bool | None,
        option(
            "--dynamic-bitrate/--no-dynamic-bitrate",
            NETWORK,
            "On a slow line, lower the bitrate instead of dropping pictures. On with one URL.",
            show_default=False,
        ),
    ] = None,
    keep_trying: Annotated[
        bool, option("--keep-trying", NETWORK, "Go on when the first connection fails.")
    ] = False,
    duration: Annotated[
        float | None, option("--duration", RUNNING, "Stop after this time.", "SECONDS", min=0.1)
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
            "A key that works in every window and a command of 'gamecast ctl': "
            "ctrl+alt+r='record toggle' (X11, Wayland's portal); again for more.",
            "KEYS=COMMAND",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        option(
            "--profile",
            RUNNING,
            "Take the options from a profile that 'gamecast setup' wrote.",
            "NAME",
        ),
    ] = None,
    dry_run: Annotated[
        bool, option("--dry-run", RUNNING, "Say what would be done, and do nothing.")
    ] = False,
    as_json: Annotated[
        bool, option("--json", RUNNING, "A JSON object every second, and at the end.")
    ] = False,
) -> None:
    """Send your screen, a window or a file to a server, a platform or a recording.

    First time? 'gamecast setup' asks a few questions and writes a profile.

    gamecast push --screen whip://your-server:8080/whip

    gamecast push --window "My Game" --mic rtmp://your-server/live/KEY game.mp4

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
        targets=read_targets(destinations or []),
        duration=duration,
        replay=replay,
        hotkeys=read_hotkeys(hotkey or []),
        keep_trying=keep_trying,
        dynamic_bitrate=dynamic_bitrate,
        dry_run=dry_run,
        as_json=as_json,
    )
    run(options, running)
