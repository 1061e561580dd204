"""The database connection: one engine, read and write transactions, SQLite set up for sharing.

The server and the command line use the same file at the same time. SQLite's write-ahead log lets
them, if every transaction that may write takes the write lock when it begins: one that reads first
and then finds that it has to write fails at once, whatever its ``busy_timeout`` (SQLite's
documentation, "Isolation In SQLite").
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from gamecast.store.errors import StoreUnavailable
from gamecast.store.migrate import migrate

DATABASE_FILE = "gamecast.db"
_BUSY_TIMEOUT_MS = 5_000
_WRITES = "gamecast_writes"
_WRITE_LOCK = 0x67616D65  # any number, the same for every process of ours


class Database:
    """Opens transactions. Database errors leave it as :class:`StoreUnavailable`, parameter-free."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{_WRITES: True})

    @classmethod
    async def open(cls, *, data_dir: Path, url: str = "") -> Database:
        """Connect, and bring the tables up to date. ``url`` empty: SQLite in ``data_dir``."""
        target = _parse(url) if url else _sqlite_url(data_dir)
        try:
            engine = create_async_engine(target, hide_parameters=True)
        except (NoSuchModuleError, ImportError) as error:
            raise StoreUnavailable(f"no driver for {target.drivername}: {error}") from None
        if engine.dialect.name == "sqlite":
            _set_up_sqlite(engine)
        _begin_in_turn(engine)
        database = cls(engine)
        try:
            with _store_errors():
                await migrate(engine, database._writer)
        except BaseException:
            await engine.dispose()
            raise
        return database

    async def close(self) -> None:
        """Close every connection; SQLite folds its log into the file."""
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads: one moment's view, never blocked by writers."""
        with _store_errors():
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction that holds the write lock; commits at the end, rolls back on an error."""
        with _store_errors():
            async with (
                AsyncSession(self._writer, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        # Its own text would repeat the URL, which may hold a password.
        raise StoreUnavailable("database.url is not a valid SQLAlchemy URL") from None


def _sqlite_url(data_dir: Path) -> URL:
    """The URL of the file, which is made now so that only its owner can read it."""
    file = data_dir / DATABASE_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"{file}: {error.strerror}") from None
    return URL.create("sqlite+aiosqlite", database=str(file))


def _set_up_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # "begin" below starts transactions, not the driver
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        # A key that has been shown must be there after a power cut, and writes are rare.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()


def _begin_in_turn(engine: AsyncEngine) -> None:
    """Writing transactions take their turn from the start, in every process, on every database.

    They are rare and short, and may then look before they write without a race.
    """

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        elif connection.dialect.name == "postgresql" and writes:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")


@contextmanager
def _store_errors() -> Iterator[None]:
    """Turn a driver's error into ours, without the statement and its parameters."""
    try:
        yield
    except DBAPIError as error:
        raise StoreUnavailable(f"the database does not answer: {error.orig}") from None
    except (PoolTimeout, OSError) as error:
        raise StoreUnavailable(f"the database does not answer: {error}") from None
