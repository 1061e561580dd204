from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import pytest
import structlog
from sqlalchemy import event

from gamecast.server import auth
from gamecast.server.auth import REFUSAL_SECONDS, Authenticator
from gamecast.server.auth_answers import AdminGrant, Grant, PlayGrant, Reason, Refusal
from gamecast.server.config import AuthSection
from gamecast.store.models import KeyScope
from gamecast.store.store import Store
from tests.support.clock import FakeClock

HERE = "192.0.2.1"

MakeAuthenticator = Callable[..., Authenticator]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(data_dir=tmp_path) as opened:
        await opened.channels.create("main", title="Mine")
        await opened.channels.create("other")
        yield opened


@pytest.fixture
def make(store: Store, clock: FakeClock) -> MakeAuthenticator:
    """An authenticator whose sleeps move its clock."""

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    def made(
        publish: Literal["key", "open"] = "key", play: Literal["open", "key", "token"] = "open"
    ) -> Authenticator:
        config = AuthSection(publish=publish, play=play)
        return Authenticator(store, config, clock=clock, sleep=sleep)

    return made


async def _publish(
    authenticator: Authenticator, name: str | None, key: str | None, address: str = HERE
) -> Grant | Refusal:
    return await authenticator.authorize_publish(name=name, key=key, address=address)


# Publishing with keys ---------------------------------------------------------------------------


async def test_a_key_alone_names_its_channel(store: Store, make: MakeAuthenticator) -> None:
    key = await store.keys.create("main")
    expected = Grant(channel="main", title="Mine", key_id=1, credential="key:1")
    assert await _publish(make(), None, key) == expected
    assert await _publish(make(), key, None) == expected  # rtmp://host/live/KEY
    assert await _publish(make(), "main", key) == expected


async def test_wrong_unknown_and_foreign_look_the_same(
    store: Store, make: MakeAuthenticator
) -> None:
    foreign = await store.keys.create("other")
    revoked = await store.keys.create("main")
    await store.keys.revoke("main")
    play = await store.keys.create("main", scope=KeyScope.PLAY)
    questions = [
        ("main", "wrong"),
        ("nope", "wrong"),
        ("main", foreign),
        ("nope", foreign),
        ("main", revoked),
        ("main", play),
        (None, "gc_" + "a" * 32),
        ("gc_" + "a" * 32, None),
        ("../../etc", "wrong"),
        ("\ud800", "\ud800"),
        ("x" * 100_000, "x" * 100_000),
    ]
    for name, key in questions:
        # Each from an address of its own: this is not about throttling.
        authenticator = make()
        answer = await _publish(authenticator, name, key)
        assert answer == Refusal(Reason.DENIED), (name, key)


async def test_no_key_at_all_is_said_to_be_missing(make: MakeAuthenticator) -> None:
    authenticator = make()
    for name, key in ((None, None), ("", ""), ("main", None), ("nope", None), ("main", "")):
        assert await _publish(authenticator, name, key) == Refusal(Reason.MISSING)


async def test_two_keys_of_a_channel_have_two_credentials(
    store: Store, make: MakeAuthenticator
) -> None:
    first, second = await store.keys.create("main"), await store.keys.create("main")
    authenticator = make()
    answers = [await _publish(authenticator, None, key) for key in (first, second, first)]
    credentials = [answer.credential for answer in answers if isinstance(answer, Grant)]
    assert credentials == ["key:1", "key:2", "key:1"]


async def test_a_grant_holds_until_its_key_is_revoked(
    store: Store, make: MakeAuthenticator
) -> None:
    authenticator = make()
    grant = await _publish(authenticator, None, await store.keys.create("main"))
    assert isinstance(grant, Grant)
    assert await authenticator.still_valid(grant)
    await store.keys.revoke("main")
    assert not await authenticator.still_valid(grant)


async def test_using_a_key_is_recorded(store: Store, make: MakeAuthenticator) -> None:
    await _publish(make(), None, await store.keys.create("main"))
    assert (await store.keys.list("main"))[0].last_used_at is not None


# Time, guessing and failures --------------------------------------------------------------------


async def test_every_refusal_takes_the_same_time_and_work(
    store: Store, make: MakeAuthenticator, clock: FakeClock
) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(store._database._engine.sync_engine, "before_cursor_execute", note)
    foreign = await store.keys.create("other")
    costs = []
    for name, key in (("main", "wrong"), ("nope", "wrong"), ("main", foreign), ("nope", foreign)):
        authenticator = make()
        statements.clear()
        before = clock.now
        assert isinstance(await _publish(authenticator, name, key), Refusal)
        costs.append((clock.now - before, list(statements)))
    assert costs[0][0] == pytest.approx(REFUSAL_SECONDS)
    assert costs[0][1]
    assert all(cost == costs[0] for cost in costs)


async def test_guessing_from_one_address_is_soon_not_even_checked(
    store: Store, make: MakeAuthenticator
) -> None:
    authenticator = make()
    answers = [await _publish(authenticator, "main", f"guess {n}") for n in range(60)]
    assert answers[:10] == [Refusal(Reason.DENIED)] * 10
    assert answers[-1] == Refusal(Reason.THROTTLED)
    assert answers.count(Refusal(Reason.DENIED)) < 15
    # Even the right key now waits, but only from there, and only if it was never right before.
    key = await store.keys.create("main")
    assert await _publish(authenticator, "main", key) == Refusal(Reason.THROTTLED)
    assert isinstance(await _publish(authenticator, "main", key, "192.0.2.2"), Grant)
    assert isinstance(await _publish(authenticator, "main", key), Grant)


async def test_waiting_refusals_are_bounded(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "_MAX_WAITING", 3)
    release = asyncio.Event()
    waiting = 0

    async def sleep(_seconds: float) -> None:
        nonlocal waiting
        waiting += 1
        await release.wait()

    authenticator = Authenticator(store, AuthSection(), clock=clock, sleep=sleep)
    asked = [asyncio.create_task(_publish(authenticator, "main", None)) for _ in range(10)]
    done, pending = await _settle(asked, 7)
    assert (len(done), len(pending), waiting) == (7, 3, 3)
    release.set()
    assert set(await asyncio.gather(*asked)) == {Refusal(Reason.MISSING)}


async def _settle(
    tasks: list[asyncio.Task[Grant | Refusal]], count: int
) -> tuple[set[asyncio.Task[Grant | Refusal]], set[asyncio.Task[Grant | Refusal]]]:
    """Wait until ``count`` tasks are done."""
    pending = set(tasks)
    done: set[asyncio.Task[Grant | Refusal]] = set()
    while len(done) < count:
        finished, pending = await asyncio.wait(
            pending, timeout=10, return_when=asyncio.FIRST_COMPLETED
        )
        assert finished, "nothing more ends"
        done |= finished
    return done, pending


async def test_a_broken_database_refuses_and_lets_those_on_air_be(
    store: Store, make: MakeAuthenticator, tmp_path: Path
) -> None:
    key = await store.keys.create("main")
    authenticator = make()
    grant = await _publish(authenticator, None, key)
    assert isinstance(grant, Grant)
    _drop(tmp_path / "gamecast.db")
    assert await _publish(authenticator, None, key) == Refusal(Reason.UNAVAILABLE)
    assert await authenticator.still_valid(grant)


async def test_a_full_disk_keeps_nobody_off_air(
    store: Store, make: MakeAuthenticator, tmp_path: Path
) -> None:
    key = await store.keys.create("main")
    _make_read_only(tmp_path / "gamecast.db")
    assert isinstance(await _publish(make(), None, key), Grant)


def _drop(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("DROP TABLE stream_keys")
    connection.close()


def _make_read_only(file: Path) -> None:
    """Writes fail as they do on a full disk: with an error from SQLite."""
    connection = sqlite3.connect(file)
    connection.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON stream_keys"
        " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    )
    connection.close()


async def test_no_secret_is_logged(store: Store, make: MakeAuthenticator) -> None:
    key = await store.keys.create("other")
    authenticator = make()
    with structlog.testing.capture_logs() as events:
        answers = [
            await _publish(authenticator, "main", key),
            await _publish(authenticator, "main", "canary-canary"),
            await authenticator.authorize_admin(token="canary-canary", address=HERE),
        ]
    assert [entry["reason"] for entry in events] == ["denied"] * 3
    assert all(secret not in repr((events, answers)) for secret in (key, "canary-canary"))


# Publishing without keys ------------------------------------------------------------------------


async def test_open_publishing_takes_any_good_name(make: MakeAuthenticator) -> None:
    authenticator = make(publish="open")
    answer = await _publish(authenticator, "party", None)
    assert answer == Grant(channel="party", title="", key_id=None, credential=f"address:{HERE}")
    titled = await _publish(authenticator, "main", None)
    assert isinstance(titled, Grant)
    assert titled.title == "Mine"
    for name in ("api", "a/b", "..", "a b"):
        assert await _publish(authenticator, name, None) == Refusal(Reason.INVALID_NAME)
    assert await _publish(authenticator, None, None) == Refusal(Reason.MISSING)


async def test_open_publishing_tells_publishers_apart_by_address(make: MakeAuthenticator) -> None:
    authenticator = make(publish="open")
    one = await _publish(authenticator, "party", None, "192.0.2.1")
    other = await _publish(authenticator, "party", None, "192.0.2.2")
    assert isinstance(one, Grant)
    assert isinstance(other, Grant)
    assert one.credential != other.credential


async def test_open_publishing_honours_keys_and_never_shows_them(
    store: Store, make: MakeAuthenticator
) -> None:
    authenticator = make(publish="open")
    key = await store.keys.create("main")
    granted = await _publish(authenticator, key, None)
    assert isinstance(granted, Grant)
    assert (granted.channel, granted.credential) == ("main", "key:1")
    await store.keys.revoke("main")
    # Otherwise the key would become the public name of a channel.
    assert await _publish(authenticator, key, None) == Refusal(Reason.DENIED)


# Watching ---------------------------------------------------------------------------------------


async def _play(
    authenticator: Authenticator, name: str, credential: str | None
) -> PlayGrant | Refusal:
    return await authenticator.authorize_play(name=name, credential=credential, address=HERE)


async def test_open_watching_asks_nothing(make: MakeAuthenticator) -> None:
    assert await _play(make(), "whatever", None) == PlayGrant(channel="whatever")


async def test_watching_by_key_takes_any_key_of_the_channel(
    store: Store, make: MakeAuthenticator
) -> None:
    publish = await store.keys.create("main")
    play = await store.keys.create("main", scope=KeyScope.PLAY)
    foreign = await store.keys.create("other")
    authenticator = make(play="key")
    for key in (publish, play):
        assert await _play(authenticator, "main", key) == PlayGrant(channel="main")
    assert await _play(authenticator, "main", foreign) == Refusal(Reason.DENIED)
    assert await _play(authenticator, "nope", foreign) == Refusal(Reason.DENIED)
    assert await _play(authenticator, "main", None) == Refusal(Reason.MISSING)
    assert await _play(authenticator, "main", await store.tokens.create()) == Refusal(Reason.DENIED)


async def test_watching_by_token_takes_the_channels_and_admins_tokens(
    store: Store, make: MakeAuthenticator
) -> None:
    own = await store.tokens.create(play="main")
    foreign = await store.tokens.create(play="other")
    admin = await store.tokens.create()
    authenticator = make(play="token")
    for token in (own, admin):
        assert await _play(authenticator, "main", token) == PlayGrant(channel="main")
    assert await _play(authenticator, "main", foreign) == Refusal(Reason.DENIED)
    assert await _play(authenticator, "main", await store.keys.create("main")) == Refusal(
        Reason.DENIED
    )


async def test_a_revoked_token_closes_within_seconds(
    store: Store, make: MakeAuthenticator, clock: FakeClock
) -> None:
    token = await store.tokens.create(play="main")
    authenticator = make(play="token")
    assert isinstance(await _play(authenticator, "main", token), PlayGrant)
    await store.tokens.revoke(token)
    clock.advance(10.1)
    assert await _play(authenticator, "main", token) == Refusal(Reason.DENIED)


async def test_players_that_poll_do_not_ask_the_database_each_time(
    store: Store, make: MakeAuthenticator
) -> None:
    token = await store.tokens.create(play="main")
    authenticator = make(play="token")
    asked: list[object] = []
    event.listen(
        store._database._engine.sync_engine, "begin", lambda connection: asked.append(connection)
    )
    for _ in range(100):
        assert isinstance(await _play(authenticator, "main", token), PlayGrant)
    assert len(asked) == 1


async def test_what_is_known_already_needs_no_question(
    store: Store, make: MakeAuthenticator, clock: FakeClock
) -> None:
    token = await store.tokens.create(play="main")
    authenticator = make(play="token")
    assert not authenticator.may_play_now(name="main", credential=token)
    assert isinstance(await _play(authenticator, "main", token), PlayGrant)
    assert authenticator.may_play_now(name="main", credential=token)
    for name, other in (("other", token), ("main", token + "x"), ("main", None), ("main", "")):
        assert not authenticator.may_play_now(name=name, credential=other)
    clock.advance(11)
    assert not authenticator.may_play_now(name="main", credential=token)
    assert make().may_play_now(name="main", credential=None), "watching is open"


async def test_what_watching_remembers_is_bounded(
    store: Store, make: MakeAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "_PLAY_CACHE_SIZE", 5)
    token = await store.tokens.create()
    authenticator = make(play="token")
    for number in range(30):
        assert isinstance(await _play(authenticator, f"n{number}", token), PlayGrant)
    assert len(authenticator._may_play) <= 5


# Administration ---------------------------------------------------------------------------------


async def test_only_an_admin_token_opens_the_api(store: Store, make: MakeAuthenticator) -> None:
    authenticator = make()
    token = await store.tokens.create(label="grafana")
    assert await authenticator.authorize_admin(token=token, address=HERE) == AdminGrant(
        label="grafana"
    )
    for wrong in (await store.tokens.create(play="main"), await store.keys.create("main"), "x"):
        answer = await authenticator.authorize_admin(token=wrong, address=HERE)
        assert answer == Refusal(Reason.DENIED)
    for none in (None, ""):
        answer = await authenticator.authorize_admin(token=none, address=HERE)
        assert answer == Refusal(Reason.MISSING)
