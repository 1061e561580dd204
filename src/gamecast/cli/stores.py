"""Run a command on the server's database, whether or not the server is running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gamecast.cli.errors import CliError
from gamecast.cli.options import read_config

if TYPE_CHECKING:
    from gamecast.store.store import Store

T = TypeVar("T")


def with_store(
    work: Callable[[Store], Awaitable[T]],
    *,
    config: Path | None,
    data_dir: Path | None,
    create: bool = False,
) -> T:
    """Open the store, run ``work``, close it; what the store refuses becomes the user's error.

    ``create`` lets a command make a database where there is none: for the others, a missing one
    means a mistyped ``--data-dir``.
    """
    from gamecast.store.database import DATABASE_FILE
    from gamecast.store.errors import StoreError
    from gamecast.store.names import InvalidName
    from gamecast.store.store import Store

    settings = read_config(config, {"server.data_dir": data_dir})
    url = settings.database.url.get_secret_value()
    folder = settings.server.data_dir
    if not (create or url or (folder / DATABASE_FILE).exists()):
        raise CliError(f"there is no Gamecast data in {folder}; is --data-dir right?")

    async def run() -> T:
        async with await Store.open(data_dir=folder, url=url) as store:
            return await work(store)

    try:
        return asyncio.run(run())
    except (StoreError, InvalidName) as error:
        raise CliError(str(error)) from None
