from __future__ import annotations

import os
import queue
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gamecast.client.controls import ControlError
from gamecast.client.hotkeys import Hotkey, HotkeyError, Hotkeys, parse_hotkey
from tests.client.capture.x11.windows import Painter
from tests.support.obs import Screen
from tests.support.peers import require


@pytest.mark.parametrize(
    ("text", "hotkey"),
    [
        ("f9=replay", Hotkey("f9", 0, 0xFFC6, ("replay",))),
        ("Ctrl+Alt+R=record toggle", Hotkey("Ctrl+Alt+R", 0x0C, 0x72, ("record", "toggle"))),
        ('super+1=replay "my clip.mp4"', Hotkey("super+1", 0x40, 0x31, ("replay", "my clip.mp4"))),
    ],
)
def test_a_hotkey_is_read(text: str, hotkey: Hotkey) -> None:
    assert parse_hotkey(text) == hotkey


@pytest.mark.parametrize("text", ["", "f9", "f9=", "hyper+a=stop", "f99=stop", "=stop", 'a="x'])
def test_a_mistake_is_one_line(text: str) -> None:
    with pytest.raises(HotkeyError, match="is no hotkey"):
        parse_hotkey(text)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[dict[str, str]]:
    running = Screen(tmp_path)
    environment = {"DISPLAY": running.display, "HOME": str(tmp_path)}
    with running.process, Painter(environment):
        yield environment


@pytest.mark.interop
def test_a_key_pressed_anywhere_is_carried_out(screen: dict[str, str]) -> None:
    done: queue.Queue[tuple[str, ...]] = queue.Queue()
    said: queue.Queue[str] = queue.Queue()

    def carry_out(command: str, arguments: Sequence[str]) -> dict[str, Any]:
        done.put((command, *arguments))
        if command == "replay":
            raise ControlError("this push keeps no replay")
        return {"muted": True}

    def press(keys: str) -> None:
        tool = [require("xdotool"), "key", keys]
        subprocess.run(tool, env={**os.environ, **screen}, check=True, timeout=20)

    hotkeys = [parse_hotkey("ctrl+alt+m=toggle mic"), parse_hotkey("f9=replay")]
    keys = Hotkeys(hotkeys, carry_out, tell=said.put, environ=screen)
    try:
        press("m")  # without modifiers it is nobody's
        press("ctrl+alt+m")
        assert done.get(timeout=10) == ("toggle", "mic")
        assert said.get(timeout=10) == "ctrl+alt+m: toggle mic (muted True)"
        press("F9")
        assert done.get(timeout=10) == ("replay",)
        assert said.get(timeout=10) == "f9: this push keeps no replay"
        with pytest.raises(HotkeyError, match="belongs to another program"):
            Hotkeys(hotkeys[1:], carry_out, tell=said.put, environ=screen)
    finally:
        keys.close()
    Hotkeys(hotkeys, carry_out, tell=said.put, environ=screen).close()
    assert done.empty()


def test_without_a_display_it_says_so() -> None:
    with pytest.raises(HotkeyError, match="DISPLAY is not set"):
        Hotkeys([], lambda *_: {}, tell=print, environ={})
