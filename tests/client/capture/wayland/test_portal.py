import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from gamecast.client.capture.wayland import screencast
from gamecast.client.capture.wayland.portal import (
    REQUEST,
    Portal,
    PortalCancelledError,
    PortalError,
)
from gamecast.client.capture.wayland.screencast import Cast, Kind
from tests.client.capture.wayland.fake_portal import FakePortal
from tests.support.bus import session_bus


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("bus")
    (folder / "services").mkdir()
    with session_bus(folder) as address:
        yield address


@asynccontextmanager
async def talking(address: str, fake: FakePortal) -> AsyncIterator[Portal]:
    await fake.start(address)
    portal = await Portal.connect({"DBUS_SESSION_BUS_ADDRESS": address})
    try:
        yield portal
    finally:
        await portal.close()
        await fake.stop()


async def share(portal: Portal, **options: Any) -> Cast:
    whole: dict[str, Any] = {"cursor": True, "token": None, **options}
    return await screencast.share(portal, whole.pop("kind", Kind.SCREEN), **whole)


@pytest.mark.parametrize("own_paths", [False, True])
async def test_a_share_by_the_rules(address: str, own_paths: bool) -> None:
    fake = FakePortal(own_paths=own_paths)
    async with talking(address, fake) as portal:
        cast = await share(portal, token="before")
        assert (cast.node, cast.token, cast.session) == (42, "next", fake.session)
        chosen = fake.options("SelectSources")
        assert chosen["types"] == 1
        assert chosen["multiple"] is False
        assert chosen["cursor_mode"] == 2
        assert (chosen["persist_mode"], chosen["restore_token"]) == (2, "before")
        remote = await screencast.open_remote(portal, cast)
        os.write(fake.pipe[1], b"pictures")
        assert os.read(remote, 8) == b"pictures"
        for each in (remote, fake.pipe[0], fake.pipe[1]):
            os.close(each)


async def test_an_old_portal_is_asked_for_what_it_knows_only(address: str) -> None:
    fake = FakePortal(
        properties={"version": Variant("u", 1), "AvailableSourceTypes": Variant("u", 1)}
    )
    async with talking(address, fake) as portal:
        await share(portal, token="never")
        assert set(fake.options("SelectSources")) == {"types", "multiple", "handle_token"}
        with pytest.raises(PortalError, match="shares no windows: use --screen"):
            await share(portal, kind=Kind.WINDOW)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"Start": (1, {})}, "declined in the desktop's dialog"),
        ({"Start": (2, {})}, "failed to share"),
        ({"SelectSources": (2, {})}, "failed to offer a choice"),
        ({"Start": (0, {})}, "shares nothing"),
        ({"Start": (0, {"streams": Variant("s", "none")})}, "shares nothing"),
        ({"CreateSession": (0, {})}, "opened no session"),
    ],
)
async def test_a_refusal_is_one_line(address: str, answers: Any, problem: str) -> None:
    async with talking(address, FakePortal(answers=answers)) as portal:
        with pytest.raises(PortalError, match=problem) as caught:
            await share(portal)
    declined = answers.get("Start", (0,))[0] == 1
    assert isinstance(caught.value, PortalCancelledError) is declined


async def test_a_dialog_that_nobody_answers_is_taken_away(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screencast, "USER_LIMIT", 0.1)
    fake = FakePortal(answers={"Start": None})
    async with talking(address, fake) as portal:
        with pytest.raises(PortalError, match="nobody answered the desktop's dialog"):
            await share(portal)
    token = fake.options("Start")["handle_token"]
    assert [path.rsplit("/", 1)[1] for path in fake.closed] == [token]


async def test_the_end_of_a_share_is_told_once(address: str) -> None:
    fake, told = FakePortal(), asyncio.Event()
    async with talking(address, fake) as portal:
        cast = await share(portal)
        portal.on_session_closed(cast.session, told.set)
        fake.end_session()
        async with asyncio.timeout(10):
            await told.wait()


async def test_a_portal_that_dies_ends_what_it_was_asked(address: str) -> None:
    fake, told = FakePortal(answers={"Start": None}), asyncio.Event()
    await fake.start(address)
    portal = await Portal.connect({"DBUS_SESSION_BUS_ADDRESS": address})
    try:
        portal.on_session_closed("/session", told.set)
        asking = asyncio.create_task(share(portal))
        async with asyncio.timeout(10):
            await fake.dialog.wait()
            await fake.stop()
            with pytest.raises(PortalError):
                await asking
            await told.wait()
    finally:
        await portal.close()


async def test_nobody_else_may_answer(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screencast, "USER_LIMIT", 0.3)
    fake, liar = FakePortal(answers={"Start": None}), FakePortal()
    async with talking(address, fake) as portal:
        liar.bus = await MessageBus(bus_address=address).connect()
        asking = asyncio.create_task(share(portal))
        await fake.dialog.wait()
        (path,) = portal._responses
        lie = Message.new_signal(path, REQUEST, "Response", "ua{sv}", list(fake_success()))
        lie.destination = portal._bus.unique_name
        await liar.bus.send(lie)
        with pytest.raises(PortalError, match="nobody answered"):
            await asking
        await liar.stop()


def fake_success() -> tuple[int, dict[str, Variant]]:
    answer = FakePortal().answers["Start"]
    assert answer is not None
    return answer


async def test_no_portal_and_no_bus(address: str, tmp_path: Path) -> None:
    portal = await Portal.connect({"DBUS_SESSION_BUS_ADDRESS": address})
    try:
        with pytest.raises(PortalError, match="install xdg-desktop-portal"):
            await screencast.offer(portal)
    finally:
        await portal.close()
    with pytest.raises(PortalError, match="no D-Bus session bus"):
        await Portal.connect({"XDG_RUNTIME_DIR": str(tmp_path)})
