"""``gamecast admin``: the way back in for whoever lost the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gamecast.cli.options import ConfigFile, DataDir
from gamecast.cli.stores import with_store

if TYPE_CHECKING:
    from gamecast.store.store import Store

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="The administrator who signs in on the web."
)


@app.callback()
def admin() -> None:
    """The administrator who signs in on the web."""


@app.command()
def password(config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Set a new random password for the user 'admin' and print it, and nothing else."""

    async def work(store: Store) -> str:
        return await store.admins.reset_password()

    typer.echo(with_store(work, config=config, data_dir=data_dir, create=True))
