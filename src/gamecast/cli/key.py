"""``gamecast key``: create, list and revoke a channel's stream keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gamecast.cli.errors import USAGE, CliError
from gamecast.cli.keytable import key_values, print_keys
from gamecast.cli.options import AsJson, ConfigFile, DataDir
from gamecast.cli.output import print_json
from gamecast.cli.stores import with_store

if TYPE_CHECKING:
    from gamecast.store.models import StreamKey
    from gamecast.store.store import Store

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Stream keys: what an encoder needs to publish.",
)

Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name.")]


@app.command()
def create(
    channel: Channel,
    label: Annotated[str, typer.Option("--label", help="A note: who or what uses it.")] = "",
    play: Annotated[
        bool, typer.Option("--play", help='A key for watching only (auth.play = "key").')
    ] = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it, and nothing else. It is not shown again."""

    async def work(store: Store) -> str:
        from gamecast.store.models import KeyScope

        scope = KeyScope.PLAY if play else KeyScope.PUBLISH
        return await store.keys.create(channel, label=label, scope=scope)

    typer.echo(with_store(work, config=config, data_dir=data_dir))


@app.command("list")
def list_(
    channel: Channel, as_json: AsJson = False, config: ConfigFile = None, data_dir: DataDir = None
) -> None:
    """List a channel's keys: how they begin, not what they are."""

    async def work(store: Store) -> list[StreamKey]:
        return await store.keys.list(channel)

    keys = with_store(work, config=config, data_dir=data_dir)
    if as_json:
        print_json([key_values(key) for key in keys])
    else:
        print_keys(keys)


@app.command()
def revoke(
    channel: Channel,
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="[KEY]",
            help="Its id or beginning, as 'list' shows it; not needed for the only one.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Revoke all of its keys.")] = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Revoke a key: nobody can publish with it any more."""
    if everything and which is not None:
        raise CliError("give a key or --all, not both", exit_status=USAGE)

    async def work(store: Store) -> str:
        if everything:
            return f"{await store.keys.revoke_all(channel)} keys"
        key = await store.keys.revoke(channel, which)
        return f"key {key.id} ({key.hint}…)"

    typer.echo(f"Revoked {with_store(work, config=config, data_dir=data_dir)} of {channel}.")
