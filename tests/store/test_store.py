from __future__ import annotations

import asyncio

from gamecast.store.store import Store


async def test_the_first_start_makes_an_admin_a_channel_and_a_key(store: Store) -> None:
    first = await store.ensure_first_start()
    assert first is not None
    assert (first.admin, first.channel) == ("admin", "main")
    assert await store.admins.verify("admin", first.password)
    assert first.key is not None
    owner = await store.keys.owner_of(first.key)
    assert owner is not None
    assert owner.channel == "main"


async def test_only_the_first_start_does(store: Store) -> None:
    starts = await asyncio.gather(*(store.ensure_first_start() for _ in range(5)))
    assert len([start for start in starts if start is not None]) == 1
    assert await store.ensure_first_start() is None
    await store.channels.remove("main")
    assert await store.ensure_first_start() is None  # who removed it wants it gone
    assert await store.channels.list() == []


async def test_a_channel_made_before_the_first_start_is_kept(store: Store) -> None:
    await store.channels.create("main", title="Mine")
    key = await store.keys.create("main")
    first = await store.ensure_first_start()
    assert first is not None
    assert (first.channel, first.key) == (None, None)
    assert (await store.channels.show("main")).title == "Mine"
    assert await store.keys.owner_of(key) is not None


async def test_a_first_start_shows_no_secret_by_itself(store: Store) -> None:
    first = await store.ensure_first_start()
    assert first is not None
    assert first.password not in repr(first)
    assert str(first.key) not in repr(first)
