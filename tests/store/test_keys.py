from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from gamecast.store.errors import UnknownChannel, UnknownSecret
from gamecast.store.keys import KeyOwner
from gamecast.store.models import KeyScope
from gamecast.store.store import Store
from tests.store.conftest import FakeWallClock


async def test_a_key_stands_for_its_channel(store: Store) -> None:
    await store.channels.create("main", title="Mine")
    await store.channels.create("other")
    first = await store.keys.create("main")
    second = await store.keys.create("main", scope=KeyScope.PLAY)
    third = await store.keys.create("other")
    owner = await store.keys.owner_of(first)
    assert owner == KeyOwner(key_id=1, channel="main", title="Mine", scope=KeyScope.PUBLISH)
    assert (await owner_channel(store, second), await owner_channel(store, third)) == (
        "main",
        "other",
    )
    for wrong in ("", first[:-1], first + "a", first.upper(), "main", "x" * 10_000, "\ud800"):
        assert await store.keys.owner_of(wrong) is None


async def owner_channel(store: Store, key: str) -> str | None:
    owner = await store.keys.owner_of(key)
    return owner.channel if owner is not None else None


async def test_a_key_needs_a_channel(store: Store) -> None:
    with pytest.raises(UnknownChannel):
        await store.keys.create("nope")
    with pytest.raises(UnknownChannel):
        await store.keys.list("nope")


async def test_keys_are_listed_by_how_they_begin(store: Store, wall_clock: FakeWallClock) -> None:
    await store.channels.create("main")
    key = await store.keys.create("main", label="obs")
    (listed,) = await store.keys.list("main")
    assert (listed.hint, listed.label, listed.scope) == (key[:7], "obs", "publish")
    assert listed.created_at == wall_clock.now
    assert listed.last_used_at is None
    assert listed.revoked_at is None


async def test_a_key_is_revoked_by_id_hint_or_itself(store: Store) -> None:
    await store.channels.create("main")
    keys = [await store.keys.create("main") for _ in range(4)]
    await store.keys.revoke("main", "1")
    await store.keys.revoke("main", keys[1][:7])
    await store.keys.revoke("main", keys[2])
    assert [await owner_channel(store, key) for key in keys] == [None, None, None, "main"]
    assert (await store.keys.revoke("main")).id == 4  # the only one left needs no name
    with pytest.raises(UnknownSecret, match="no key"):
        await store.keys.revoke("main")
    assert all(key.revoked_at is not None for key in await store.keys.list("main"))


async def test_it_must_be_clear_which_key_is_revoked(store: Store) -> None:
    await store.channels.create("main")
    await store.channels.create("other")
    await store.keys.create("main")
    foreign = await store.keys.create("other")
    await store.keys.create("main")
    for which in (None, "99", "gc_", foreign, "2", ""):
        with pytest.raises(UnknownSecret):
            await store.keys.revoke("main", which)
    assert await store.keys.revoke_all("main") == 2
    assert await store.keys.revoke_all("main") == 0
    assert await owner_channel(store, foreign) == "other"


async def test_use_is_recorded_to_the_minute(store: Store, wall_clock: FakeWallClock) -> None:
    await store.channels.create("main")
    await store.keys.create("main")
    start = wall_clock.now
    await store.keys.mark_used(1)
    wall_clock.advance(seconds=59)
    await store.keys.mark_used(1)
    assert (await store.keys.list("main"))[0].last_used_at == start
    wall_clock.advance(seconds=2)
    await store.keys.mark_used(1)
    assert (await store.keys.list("main"))[0].last_used_at == wall_clock.now


async def test_a_key_in_use_is_not_revoked_nor_its_channel_removed(store: Store) -> None:
    for name in ("one", "two", "three"):
        await store.channels.create(name)
        await store.keys.create(name)
    await store.keys.revoke("one")
    await store.channels.remove("two")
    assert [await store.keys.is_in_use(key_id) for key_id in (1, 2, 3, 4)] == [
        False,
        False,
        True,
        False,
    ]


async def test_keys_for_one_run_are_discarded_by_label(store: Store) -> None:
    await store.channels.create("demo")
    kept = await store.keys.create("demo", label="mine")
    for _ in range(2):
        await store.keys.create("demo", label="run")
    await store.keys.discard("demo", "run")
    assert [key.label for key in await store.keys.list("demo")] == ["mine"]
    assert await owner_channel(store, kept) == "demo"


async def test_an_id_is_never_given_out_twice(store: Store) -> None:
    # A publisher's credential names its key by id: a later key must not pass for a deleted one.
    await store.channels.create("main")
    await store.keys.create("main", label="run")
    await store.keys.discard("main", "run")
    await store.keys.create("main")
    assert [key.id for key in await store.keys.list("main")] == [2]


async def test_every_question_costs_the_same_statements(store: Store) -> None:
    await store.channels.create("main")
    key = await store.keys.create("main")
    await store.keys.create("main")
    await store.keys.revoke("main", "2")
    costs = []
    for asked in (key, "gc_" + "a" * 32, "main", "", "x" * 5_000):
        with _statements(store._database._engine) as statements:
            await store.keys.owner_of(asked)
        costs.append(list(statements))
    assert len(costs[0]) >= 1
    assert all(cost == costs[0] for cost in costs)


class _statements:  # noqa: N801 - reads as a function
    """Collects the SQL of an engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine
        self._seen: list[str] = []

    def _note(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        self._seen.append(statement)

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self._seen

    def __exit__(self, *_error: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)


async def test_no_file_holds_the_key_and_no_repr_the_hash(store: Store, tmp_path: Path) -> None:
    await store.channels.create("main")
    key = await store.keys.create("main")
    token = await store.tokens.create()
    content = _all_files(tmp_path)
    assert b"stream_keys" in content
    assert key.encode() not in content
    assert token.encode() not in content
    (listed,) = await store.keys.list("main")
    assert str(listed.digest) not in repr(listed)
    assert key not in repr(await store.keys.owner_of(key))


def _all_files(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_the_hash_is_what_is_stored(store: Store, tmp_path: Path) -> None:
    import hashlib

    await store.channels.create("main")
    key = await store.keys.create("main")
    connection = sqlite3.connect(tmp_path / "gamecast.db")
    stored = connection.execute("SELECT digest FROM stream_keys").fetchone()[0]
    connection.close()
    assert stored == hashlib.sha256(key.encode()).digest()
