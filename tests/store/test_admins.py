from __future__ import annotations

from gamecast.store.store import Store


async def test_a_reset_makes_the_administrator_and_replaces_the_password(store: Store) -> None:
    assert not await store.admins.exist()
    first = await store.admins.reset_password()
    assert await store.admins.exist()
    assert await store.admins.verify("admin", first)
    second = await store.admins.reset_password()
    assert second != first
    assert not await store.admins.verify("admin", first)
    assert await store.admins.verify("admin", second)
    assert not await store.admins.verify("root", second)
    assert not await store.admins.verify("", "")
