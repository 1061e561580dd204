"""Stream keys: several per channel, shown once, found by their hash, revocable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gamecast.store.channels import find_channel
from gamecast.store.clock import Clock
from gamecast.store.credentials import digest, hint, make_key
from gamecast.store.database import Database
from gamecast.store.errors import UnknownSecret
from gamecast.store.models import Channel, KeyScope, StreamKey

_USE_RESOLUTION = timedelta(minutes=1)


@dataclass(slots=True, frozen=True, kw_only=True)
class KeyOwner:
    """What a valid key stands for."""

    key_id: int
    channel: str
    title: str
    scope: KeyScope


async def add_key(
    session: AsyncSession, channel: Channel, *, label: str, scope: KeyScope, now: datetime
) -> str:
    """Add a key inside a transaction and return it."""
    key = make_key()
    session.add(
        StreamKey(
            channel_id=channel.id,
            digest=digest(key),
            hint=hint(key),
            label=label[:80],
            scope=scope,
            created_at=now,
        )
    )
    await session.flush()
    return key


class Keys:
    """The stream keys of a store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self, channel: str, *, label: str = "", scope: KeyScope = KeyScope.PUBLISH
    ) -> str:
        """Make a key. This is the only time that it is seen. Raises ``UnknownChannel``."""
        async with self._database.write() as session:
            owner = await find_channel(session, channel)
            return await add_key(session, owner, label=label, scope=scope, now=self._clock())

    async def list(self, channel: str) -> list[StreamKey]:
        """All keys of a channel, revoked ones too, oldest first. Raises ``UnknownChannel``."""
        async with self._database.read() as session:
            owner = await find_channel(session, channel)
            found = await session.scalars(
                select(StreamKey).where(StreamKey.channel_id == owner.id).order_by(StreamKey.id)
            )
            return list(found)

    async def revoke(self, channel: str, which: str | None = None) -> StreamKey:
        """Revoke the key that ``which`` means: its id, its hint, the key itself, or the only one.

        Raises ``UnknownChannel``, and ``UnknownSecret`` when no key or more than one is meant.
        """
        async with self._database.write() as session:
            owner = await find_channel(session, channel)
            meant = _meant(await _keys_in_use(session, owner), which)
            if len(meant) != 1:
                raise UnknownSecret(_not_one(channel, len(meant)))
            meant[0].revoked_at = self._clock()
            return meant[0]

    async def revoke_all(self, channel: str) -> int:
        """Revoke every key of a channel; returns how many. Raises ``UnknownChannel``."""
        async with self._database.write() as session:
            in_use = await _keys_in_use(session, await find_channel(session, channel))
            for key in in_use:
                key.revoked_at = self._clock()
            return len(in_use)

    async def discard(self, channel: str, label: str) -> None:
        """Delete the keys with this label; for keys that a program makes for one run."""
        async with self._database.write() as session:
            owner = await find_channel(session, channel)
            await session.execute(
                delete(StreamKey).where(StreamKey.channel_id == owner.id, StreamKey.label == label)
            )

    async def owner_of(self, key: str) -> KeyOwner | None:
        """What a key stands for; ``None`` if there is no such key in use.

        One hash and one indexed query, whatever is asked, so that time tells nothing. An index
        on hashes gives nothing away either: a guesser does not choose the hash.
        """
        sought = digest(key)
        async with self._database.read() as session:
            row = (
                await session.execute(
                    select(StreamKey, Channel)
                    .join(Channel, Channel.id == StreamKey.channel_id)
                    .where(StreamKey.digest == sought, StreamKey.revoked_at.is_(None))
                )
            ).first()
        if row is None or not compare_digest(row.StreamKey.digest, sought):
            return None
        return KeyOwner(
            key_id=row.StreamKey.id,
            channel=row.Channel.name,
            title=row.Channel.title,
            scope=KeyScope(row.StreamKey.scope),
        )

    async def is_in_use(self, key_id: int) -> bool:
        """Whether a key still stands: not revoked, its channel not removed."""
        async with self._database.read() as session:
            found = await session.scalar(
                select(StreamKey.id).where(StreamKey.id == key_id, StreamKey.revoked_at.is_(None))
            )
            return found is not None

    async def mark_used(self, key_id: int) -> None:
        """Remember that a key was used now, to the minute: no write on every reconnect."""
        now = self._clock()
        stale = or_(
            StreamKey.last_used_at.is_(None), StreamKey.last_used_at < now - _USE_RESOLUTION
        )
        async with self._database.read() as session:
            due = await session.scalar(select(StreamKey.id).where(StreamKey.id == key_id, stale))
        if due is None:
            return
        async with self._database.write() as session:
            await session.execute(
                update(StreamKey).where(StreamKey.id == key_id).values(last_used_at=now)
            )


async def _keys_in_use(session: AsyncSession, channel: Channel) -> list[StreamKey]:
    found = await session.scalars(
        select(StreamKey).where(StreamKey.channel_id == channel.id, StreamKey.revoked_at.is_(None))
    )
    return list(found)


def _meant(keys: list[StreamKey], which: str | None) -> list[StreamKey]:
    if which is None:
        return keys
    named = [key for key in keys if which in (str(key.id), key.hint)]
    return named or [key for key in keys if compare_digest(key.digest, digest(which))]


def _not_one(channel: str, found: int) -> str:
    which = "no key in use is" if not found else f"{found} keys in use are"
    return f"{which} meant by that; 'gamecast key list {channel}' shows their ids"
