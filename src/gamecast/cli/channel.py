"""``gamecast channel``: add, list, show, retitle and remove channels."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gamecast.cli.keytable import key_values, print_keys
from gamecast.cli.options import AsJson, ConfigFile, DataDir
from gamecast.cli.output import print_json, print_table, show_time
from gamecast.cli.stores import with_store

if TYPE_CHECKING:
    from gamecast.store.models import Channel, StreamKey
    from gamecast.store.store import Store

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Channels: names under which streams are published.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")]


@app.command()
def add(
    name: Name,
    title: Annotated[str, typer.Option("--title", help="What its page says.")] = "",
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Add a channel."""

    async def work(store: Store) -> Channel:
        return await store.channels.create(name, title=title)

    with_store(work, config=config, data_dir=data_dir, create=True)
    typer.echo(f"Added channel {name}. Make a stream key for it: gamecast key create {name}")


@app.command("list")
def list_(as_json: AsJson = False, config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """List all channels."""

    async def work(store: Store) -> list[Channel]:
        return await store.channels.list()

    channels = with_store(work, config=config, data_dir=data_dir)
    if as_json:
        print_json([_values(channel) for channel in channels])
        return
    rows = [(channel.name, show_time(channel.created_at), channel.title) for channel in channels]
    print_table(("NAME", "CREATED", "TITLE"), rows)


@app.command()
def show(
    name: Name, as_json: AsJson = False, config: ConfigFile = None, data_dir: DataDir = None
) -> None:
    """Show a channel and its keys."""

    async def work(store: Store) -> tuple[Channel, list[StreamKey]]:
        return await store.channels.show(name), await store.keys.list(name)

    channel, keys = with_store(work, config=config, data_dir=data_dir)
    if as_json:
        print_json({**_values(channel), "keys": [key_values(key) for key in keys]})
        return
    typer.echo(f"Name     {channel.name}")
    typer.echo(f"Title    {channel.title or '-'}")
    typer.echo(f"Created  {show_time(channel.created_at)}")
    typer.echo("")
    print_keys(keys)


@app.command()
def title(
    name: Name,
    text: Annotated[str, typer.Argument(metavar="TITLE", help="The new title.")],
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Give a channel another title."""

    async def work(store: Store) -> None:
        await store.channels.retitle(name, text)

    with_store(work, config=config, data_dir=data_dir)


@app.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Remove a channel with all its keys."""
    if not yes and sys.stdin.isatty() and sys.stdout.isatty():
        typer.confirm(f"Remove channel {name} and all its keys?", abort=True)

    async def work(store: Store) -> None:
        await store.channels.remove(name)

    with_store(work, config=config, data_dir=data_dir)
    typer.echo(f"Removed channel {name}.")


def _values(channel: Channel) -> dict[str, Any]:
    return {"name": channel.name, "title": channel.title, "created_at": channel.created_at}
