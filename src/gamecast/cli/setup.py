"""``gamecast setup``: the few questions of a first-timer, written down as a profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gamecast.cli.errors import CliError
from gamecast.cli.values import show_bitrate

if TYPE_CHECKING:
    from gamecast.client.devices import Device
    from gamecast.client.push.target import Target

app = typer.Typer(
    help="Answer a few questions once; then 'gamecast push --profile NAME'.", add_completion=False
)


@app.command()
def setup(
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="The profile to write.")
    ] = "default",
) -> None:
    """Ask where to publish, with what key and what to show; test the upload; write a profile."""
    from gamecast.client.profiles import ProfileError, save_profile

    url, target = _ask_destination()
    values: dict[str, Any] = _ask_source()
    values |= _ask_upload(target)
    values["destinations"] = [url]
    try:
        path = save_profile(profile, values)
    except ProfileError as error:
        raise CliError(str(error)) from None
    typer.echo(f"written to {path}, which only you can read, for it holds the key")
    typer.echo(f"go on air with: gamecast push --profile {profile}")


def _ask_destination() -> tuple[str, Target]:
    from gamecast.client.push.target import KEY_VARIABLE, TargetError, parse_target

    typer.echo("Where to: rtmp://host/live, whip://host:8080/whip or srt://host:8890")
    while True:
        server = typer.prompt("Server", default="rtmp://localhost/live").strip()
        if "://" not in server:
            typer.echo(f"{server} is no URL: write what the server speaks in front, as rtmp://")
            continue
        key = typer.prompt("Stream key (it is not shown)", hide_input=True)
        try:
            parse_target(server, {KEY_VARIABLE: key})  # its errors never show this key
            url = with_key(server, key)
            return url, parse_target(url, {})
        except TargetError as error:
            typer.echo(str(error))


def with_key(server: str, key: str) -> str:
    """The destination, with the key where each protocol has it."""
    from urllib.parse import quote, urlsplit

    from gamecast.client.push.whip_target import SCHEMES

    server, scheme = server.rstrip("/"), urlsplit(server).scheme.lower()
    if scheme in SCHEMES or scheme == "srt":
        field = "streamid" if scheme == "srt" else "key"
        return f"{server}{'&' if '?' in server else '?'}{field}={quote(key, safe='')}"
    return f"{server}/{key}"


def _ask_source() -> dict[str, Any]:
    """One of what ``gamecast devices`` lists."""
    from gamecast.client.devices import Device, devices

    found = [each for each in devices() if isinstance(each, Device) and each.kind != "sound"]
    for number, each in enumerate(found, 1):
        typer.echo(f"{number:>3}  {each.kind}: {each.name} {each.detail}")
    typer.echo("  0  a moving test scene")
    while True:
        question = "What to show (a number of this list)"
        chosen: int = typer.prompt(question, default=1 if found else 0, type=int)
        if chosen == 0:
            return {"test": True}
        if 1 <= chosen <= len(found):
            return source_values(found[chosen - 1])


def source_values(device: Device) -> dict[str, Any]:
    """The profile's values for a device, from the option that names it."""
    import shlex

    option, _, value = device.option.removeprefix("--").partition(" ")
    plain = shlex.split(value)[0] if value else ""
    return {option: int(plain) if plain.isdecimal() else plain}


def _ask_upload(target: Target) -> Mapping[str, Any]:
    from gamecast.client.uploadtest import UploadError, measure_upload, safe_bitrate

    question = "Measure the upload? The channel shows coloured noise for five seconds"
    if not typer.confirm(question, default=True):
        return {}
    try:
        measured = measure_upload(target)
    except UploadError as error:
        typer.echo(f"not measured: {error}")
        typer.echo("the profile is written all the same; --bitrate sets what the line can take")
        return {}
    safe = safe_bitrate(measured)
    typer.echo(f"upload {show_bitrate(measured)}; a stream should use {show_bitrate(safe)} at most")
    wanted = 6_000_000
    return {"bitrate": f"{safe // 1000}k"} if safe < wanted else {}
