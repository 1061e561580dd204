"""Channels: make, list, show, retitle, remove."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from gamecast.store.clock import Clock
from gamecast.store.database import Database
from gamecast.store.errors import ChannelExists, UnknownChannel
from gamecast.store.models import Channel
from gamecast.store.names import check_name

MAX_TITLE_LENGTH = 200


async def find_channel(session: AsyncSession, name: str) -> Channel:
    """The channel of this name, inside a transaction. Raises :class:`UnknownChannel`."""
    channel = await session.scalar(select(Channel).where(Channel.name == name))
    if channel is None:
        raise UnknownChannel(name)
    return channel


async def add_channel(session: AsyncSession, name: str, *, title: str, now: datetime) -> Channel:
    """Add a channel inside a transaction; see :meth:`Channels.create`."""
    channel = Channel(name=check_name(name), title=title[:MAX_TITLE_LENGTH], created_at=now)
    session.add(channel)
    try:
        await session.flush()
    except IntegrityError:
        raise ChannelExists(name) from None
    return channel


class Channels:
    """The channels of a store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, name: str, *, title: str = "") -> Channel:
        """Add a channel, without a key. Raises ``InvalidName`` and ``ChannelExists``."""
        async with self._database.write() as session:
            return await add_channel(session, name, title=title, now=self._clock())

    async def list(self) -> list[Channel]:
        """All channels by name."""
        async with self._database.read() as session:
            found = await session.scalars(select(Channel).order_by(func.lower(Channel.name)))
            return list(found)

    async def show(self, name: str) -> Channel:
        """One channel. Raises ``UnknownChannel``."""
        async with self._database.read() as session:
            return await find_channel(session, name)

    async def find(self, name: str) -> Channel | None:
        """One channel, or ``None``."""
        async with self._database.read() as session:
            return await session.scalar(select(Channel).where(Channel.name == name))

    async def retitle(self, name: str, title: str) -> Channel:
        """Give a channel another title. Raises ``UnknownChannel``."""
        async with self._database.write() as session:
            channel = await find_channel(session, name)
            channel.title = title[:MAX_TITLE_LENGTH]
            return channel

    async def remove(self, name: str) -> None:
        """Remove a channel with its keys and tokens. Raises ``UnknownChannel``."""
        async with self._database.write() as session:
            channel = await find_channel(session, name)
            await session.execute(delete(Channel).where(Channel.id == channel.id))
