"""Bring the tables up to date at start: a glance when they are, Alembic when they are not.

Alembic takes longer to import than everything else here takes to run, so it is imported only for
an older database. A new one is made from the models and stamped; a test holds the two ways equal.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gamecast.store.errors import StoreUnavailable
from gamecast.store.models import Base

HEAD = "0001"
"""The newest revision in ``migrations/versions``."""

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(reader: AsyncEngine, writer: AsyncEngine) -> None:
    """Make or upgrade the tables.

    ``writer`` begins transactions that exclude each other: of several processes that start
    together, one does the work.
    """
    async with reader.connect() as connection:
        if await connection.run_sync(_revision) == HEAD:
            return
    async with writer.begin() as connection:
        await connection.run_sync(_bring_up_to_date)


def _revision(connection: Connection) -> str | None:
    """The database's revision; ``None`` when it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _bring_up_to_date(connection: Connection) -> None:
    revision = _revision(connection)  # another process may have been faster
    if revision is None:
        _create(connection)
    elif revision != HEAD:
        _upgrade(connection, revision)


def _create(connection: Connection) -> None:
    Base.metadata.create_all(connection)
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise StoreUnavailable(
            f"the database has revision {revision}, which this version does not know:"
            " it was made by a newer Gamecast"
        ) from None
