from __future__ import annotations

from datetime import timedelta

import pytest

from gamecast.store.errors import UnknownChannel, UnknownSecret
from gamecast.store.models import TokenScope
from gamecast.store.store import Store
from gamecast.store.tokens import TokenOwner
from tests.store.conftest import FakeWallClock


async def test_an_admin_token_opens_the_api(store: Store) -> None:
    token = await store.tokens.create(label="grafana")
    assert await store.tokens.owner_of(token) == TokenOwner(
        token_id=1, label="grafana", scope=TokenScope.ADMIN, channel=None
    )
    assert await store.tokens.owner_of(token + "a") is None
    assert await store.tokens.owner_of("") is None


async def test_a_play_token_names_its_channel(store: Store) -> None:
    await store.channels.create("main")
    owner = await store.tokens.owner_of(await store.tokens.create(play="main"))
    assert owner is not None
    assert (owner.scope, owner.channel) == (TokenScope.PLAY, "main")
    with pytest.raises(UnknownChannel):
        await store.tokens.create(play="nope")


async def test_a_token_expires(store: Store, wall_clock: FakeWallClock) -> None:
    token = await store.tokens.create(lifetime=timedelta(hours=1))
    wall_clock.advance(minutes=59)
    assert await store.tokens.owner_of(token) is not None
    wall_clock.advance(minutes=1)
    assert await store.tokens.owner_of(token) is None


async def test_tokens_are_listed_and_revoked(store: Store) -> None:
    await store.channels.create("main")
    first, second, third = (
        await store.tokens.create(),
        await store.tokens.create(play="main"),
        await store.tokens.create(),
    )
    listed = await store.tokens.list()
    assert [(item.token.hint, item.channel) for item in listed] == [
        (first[:8], None),
        (second[:8], "main"),
        (third[:8], None),
    ]
    await store.tokens.revoke("1")
    await store.tokens.revoke(second[:8])
    await store.tokens.revoke(third)
    for token in (first, second, third):
        assert await store.tokens.owner_of(token) is None
    with pytest.raises(UnknownSecret):
        await store.tokens.revoke("1")
    with pytest.raises(UnknownSecret):
        await store.tokens.revoke("")
