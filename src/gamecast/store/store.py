"""The store: what outlives the process, by concern."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from gamecast.store.admins import FIRST_ADMIN, Admins
from gamecast.store.channels import Channels, add_channel
from gamecast.store.clock import Clock, utc_now
from gamecast.store.credentials import hash_password, make_password
from gamecast.store.database import Database
from gamecast.store.keys import Keys, add_key
from gamecast.store.models import AdminUser, Channel, KeyScope
from gamecast.store.tokens import Tokens

FIRST_CHANNEL = "main"


@dataclass(slots=True, frozen=True, kw_only=True)
class FirstStart:
    """What the first start made; shown once, to the terminal, and kept nowhere."""

    admin: str
    password: str = field(repr=False)
    channel: str | None
    """``None`` if the channel was there already, made on the command line before."""
    key: str | None = field(repr=False)


class Store:
    """``channels``, ``keys``, ``tokens`` and ``admins`` over one database."""

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self.channels = Channels(database, clock)
        self.keys = Keys(database, clock)
        self.tokens = Tokens(database, clock)
        self.admins = Admins(database, clock)

    @classmethod
    async def open(cls, *, data_dir: Path, url: str = "", clock: Clock = utc_now) -> Store:
        """Connect and bring the tables up to date; close it with :meth:`close` or ``async with``.

        ``url`` is an SQLAlchemy URL; empty means SQLite in ``data_dir``, which is made if missing.
        Raises :class:`~gamecast.store.errors.StoreUnavailable`.
        """
        return cls(await Database.open(data_dir=data_dir, url=url), clock=clock)

    async def close(self) -> None:
        """Close the database."""
        await self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def ensure_first_start(self) -> FirstStart | None:
        """Make the first administrator, channel and key, once in a database's life.

        Of several processes that start together, one gets the secrets and the others ``None``.
        """
        if await self.admins.exist():
            return None
        password = make_password()
        hashed = await asyncio.to_thread(hash_password, password)
        async with self._database.write() as session:
            if await session.scalar(select(AdminUser.id).limit(1)) is not None:
                return None
            session.add(AdminUser(name=FIRST_ADMIN, password_hash=hashed, created_at=self._clock()))
            key = await self._add_first_channel(session)
        return FirstStart(
            admin=FIRST_ADMIN,
            password=password,
            channel=FIRST_CHANNEL if key is not None else None,
            key=key,
        )

    async def _add_first_channel(self, session: AsyncSession) -> str | None:
        if await session.scalar(select(Channel.id).where(Channel.name == FIRST_CHANNEL)):
            return None
        now = self._clock()
        channel = await add_channel(session, FIRST_CHANNEL, title="", now=now)
        return await add_key(session, channel, label="first", scope=KeyScope.PUBLISH, now=now)
