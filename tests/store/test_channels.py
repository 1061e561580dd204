from __future__ import annotations

import pytest

from gamecast.store.errors import ChannelExists, UnknownChannel
from gamecast.store.names import InvalidName
from gamecast.store.store import Store
from tests.store.conftest import FakeWallClock


async def test_a_channel_is_made_listed_shown_and_removed(
    store: Store, wall_clock: FakeWallClock
) -> None:
    made = await store.channels.create("main", title="Héllo 中")
    assert (made.name, made.title, made.created_at) == ("main", "Héllo 中", wall_clock.now)
    await store.channels.create("Alpha")
    assert [channel.name for channel in await store.channels.list()] == ["Alpha", "main"]
    shown = await store.channels.show("main")
    assert (shown.id, shown.title, shown.created_at) == (made.id, made.title, made.created_at)
    await store.channels.remove("main")
    assert await store.channels.find("main") is None
    assert [channel.name for channel in await store.channels.list()] == ["Alpha"]


@pytest.mark.parametrize("again", ["main", "MAIN", "Main"])
async def test_names_may_not_differ_by_case_alone(store: Store, again: str) -> None:
    await store.channels.create("main")
    with pytest.raises(ChannelExists):
        await store.channels.create(again)
    assert len(await store.channels.list()) == 1


async def test_bad_names_are_refused(store: Store) -> None:
    for name in ("../x", "api", ""):
        with pytest.raises(InvalidName):
            await store.channels.create(name)


async def test_an_unknown_channel_is_an_error(store: Store) -> None:
    for work in (
        store.channels.show("nope"),
        store.channels.remove("nope"),
        store.channels.retitle("nope", "x"),
    ):
        with pytest.raises(UnknownChannel, match="'nope'"):
            await work


async def test_names_are_found_as_written(store: Store) -> None:
    await store.channels.create("Main")
    assert await store.channels.find("main") is None
    assert await store.channels.find("Main") is not None


async def test_a_title_can_change_and_has_a_bound(store: Store) -> None:
    await store.channels.create("main")
    await store.channels.retitle("main", "x" * 500)
    assert (await store.channels.show("main")).title == "x" * 200


async def test_removing_a_channel_removes_its_keys_and_tokens(store: Store) -> None:
    await store.channels.create("main")
    key = await store.keys.create("main")
    token = await store.tokens.create(play="main")
    await store.channels.remove("main")
    assert await store.keys.owner_of(key) is None
    assert await store.tokens.owner_of(token) is None
    assert await store.tokens.list() == []
    await store.channels.create("main")
    assert await store.keys.owner_of(key) is None
