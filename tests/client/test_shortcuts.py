import queue
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gamecast.client.hotkeys import Hotkey, HotkeyError, Hotkeys, parse_hotkey
from gamecast.client.push.network import NetworkThread
from gamecast.client.shortcuts import trigger
from tests.client.capture.wayland.fake_portal import FakePortal
from tests.support.bus import session_bus


@pytest.fixture
def session(tmp_path: Path) -> Iterator[dict[str, str]]:
    (tmp_path / "services").mkdir()
    with session_bus(tmp_path) as address:
        yield {"WAYLAND_DISPLAY": "wayland-0", "DBUS_SESSION_BUS_ADDRESS": address}


class Desktop:
    """The fake portal, in a thread of its own."""

    def __init__(self, session: dict[str, str], **answers: Any) -> None:
        self._thread = NetworkThread()
        self.portal = self._thread.submit(self._start(session, answers)).result()

    async def _start(self, session: dict[str, str], answers: dict[str, Any]) -> FakePortal:
        portal = FakePortal(answers=answers)
        await portal.start(session["DBUS_SESSION_BUS_ADDRESS"])
        return portal

    def call(self, function: Any, *arguments: object) -> None:
        self._thread.call(function, *arguments)

    def close(self) -> None:
        self._thread.submit(self.portal.stop()).result()
        self._thread.close()


HOTKEYS = ["ctrl+alt+m=toggle mic", "f9=replay"]


def test_keys_of_the_desktop_are_carried_out(session: dict[str, str]) -> None:
    done: queue.Queue[tuple[str, ...]] = queue.Queue()
    said: queue.Queue[str] = queue.Queue()

    def carry_out(command: str, arguments: Sequence[str]) -> dict[str, Any]:
        done.put((command, *arguments))
        return {}

    hotkeys = [parse_hotkey(each) for each in HOTKEYS]
    with closing(Desktop(session)) as desktop:
        with closing(Hotkeys(hotkeys, carry_out, tell=said.put, environ=session)):
            (wanted,) = (
                body[1] for method, body in desktop.portal.asked if method == "BindShortcuts"
            )
            triggers = {name: wish["preferred_trigger"].value for name, wish in wanted}
            assert triggers == {"gamecast0": "CTRL+ALT+m", "gamecast1": "F9"}
            assert wanted[0][1]["description"].value == "Gamecast: toggle mic"
            desktop.call(desktop.portal.press, "gamecast0", "/session/of/another")
            desktop.call(desktop.portal.press, "gamecast1")
            assert done.get(timeout=10) == ("replay",)
            assert said.get(timeout=10) == "f9: replay"
            desktop.call(desktop.portal.end_session)
            assert said.get(timeout=10) == "hotkeys: the desktop has taken the keys back"
        assert done.empty()


def test_a_user_who_declines_is_told_what_else_there_is(session: dict[str, str]) -> None:
    with closing(Desktop(session, BindShortcuts=(1, {}))), pytest.raises(HotkeyError) as caught:
        Hotkeys([parse_hotkey(HOTKEYS[0])], lambda *_: {}, tell=print, environ=session)
    assert "declined in the desktop's dialog" in str(caught.value)
    assert "gamecast ctl" in str(caught.value)


def test_a_desktop_without_that_portal_is_said(session: dict[str, str]) -> None:
    with pytest.raises(HotkeyError, match="this desktop has no portal for it"):
        Hotkeys([], lambda *_: {}, tell=print, environ=session)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("f9", "F9"),
        ("Super+Print", "LOGO+Print"),
        ("shift+kp5", "SHIFT+KP_5"),
        ("ctrl+1", "CTRL+1"),
    ],
)
def test_keys_in_the_words_of_the_specification(keys: str, words: str) -> None:
    assert isinstance(parse_hotkey(f"{keys}=stop"), Hotkey)
    assert trigger(keys) == words
