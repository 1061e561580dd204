"""Keys that drive a push whatever window is in front: those of X11, by GrabKey, and those that
Wayland's portal gives (``shortcuts``).

``ctrl+alt+r=record toggle``: what stands right of ``=`` is a command of ``gamecast ctl``.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from gamecast.client.capture.desktop import is_wayland
from gamecast.client.capture.x11 import wire
from gamecast.client.capture.x11.display import Display
from gamecast.client.capture.x11.wire import XError
from gamecast.client.controls import ControlError

MODIFIERS = {"shift": 0x01, "ctrl": 0x04, "control": 0x04, "alt": 0x08, "super": 0x40, "win": 0x40}
_LOCKS = (0x00, 0x02, 0x10, 0x12)
"""Caps Lock and Num Lock, which must make no difference."""
_KNOWN = 0x4D
_KEYS = {
    **{f"f{number}": 0xFFBD + number for number in range(1, 25)},
    **{f"kp{number}": 0xFFB0 + number for number in range(10)},
    **{"space": 0x20, "pause": 0xFF13, "scrolllock": 0xFF14, "print": 0xFF61, "insert": 0xFF63},
    **{"home": 0xFF50, "pageup": 0xFF55, "pagedown": 0xFF56, "end": 0xFF57, "delete": 0xFFFF},
}
"""Names of keys that are not a letter or digit, and their keysyms."""

CarryOut = Callable[[str, Sequence[str]], dict[str, Any]]


class HotkeyError(ValueError):
    """The key cannot be had; one clear line."""


@dataclass(slots=True, frozen=True)
class Hotkey:
    """A key and what it does."""

    keys: str
    modifiers: int
    keysym: int
    command: tuple[str, ...]


def parse_hotkey(text: str) -> Hotkey:
    """Read ``KEYS=COMMAND``. Raises ``HotkeyError``."""
    keys, _, command = text.partition("=")
    words = tuple(shlex.split(command)) if command.count('"') % 2 == 0 else ()
    *modifiers, key = [part.strip().lower() for part in keys.split("+")]
    unknown = [each for each in modifiers if each not in MODIFIERS]
    keysym = _KEYS.get(key) or (ord(key) if len(key) == 1 and key.isalnum() else 0)
    if not words or unknown or not keysym or keysym > 0xFFFF:
        raise HotkeyError(
            f"{text!r} is no hotkey: it looks like ctrl+alt+r='record toggle' or f9=replay"
        )
    mask = 0
    for each in modifiers:
        mask |= MODIFIERS[each]
    return Hotkey(keys.strip(), mask, keysym, words)


class Hotkeys:
    """Grabs the keys and carries out their commands in a thread of its own."""

    def __init__(
        self,
        hotkeys: Sequence[Hotkey],
        carry_out: CarryOut,
        *,
        tell: Callable[[str], None],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """``tell`` gets a line for every key pressed. Raises ``HotkeyError``."""
        self._carry_out = carry_out
        self._tell = tell
        self._stopping = False
        self._keyboard = _keyboard(environ)
        try:
            self._commands = self._keyboard.grab(hotkeys)
        except HotkeyError:
            self._keyboard.close()
            raise
        self._thread = threading.Thread(target=self._run, name="hotkeys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give the keys back."""
        self._stopping = True
        self._keyboard.hang_up()
        self._thread.join()
        self._keyboard.close()

    def _run(self) -> None:
        while True:
            try:
                pressed = self._keyboard.wait()
            except (XError, HotkeyError) as error:
                if not self._stopping:
                    self._tell(f"hotkeys: {error}")
                return
            hotkey = self._commands.get(pressed)
            if hotkey is not None:
                self._press(hotkey)

    def _press(self, hotkey: Hotkey) -> None:
        try:
            answer = self._carry_out(hotkey.command[0], hotkey.command[1:])
        except ControlError as error:
            self._tell(f"{hotkey.keys}: {error}")
            return
        said = ", ".join(f"{name} {value}" for name, value in answer.items())
        self._tell(f"{hotkey.keys}: {' '.join(hotkey.command)}{f' ({said})' if said else ''}")


class Keys(Protocol):
    """What gives keys."""

    def grab(self, hotkeys: Sequence[Hotkey]) -> Mapping[Any, Hotkey]:
        """Take these; what ``wait`` says for each. Raises ``HotkeyError``."""

    def wait(self) -> object:
        """The next one pressed. Raises ``HotkeyError`` or ``XError`` at the end."""

    def hang_up(self) -> None:
        """Let a waiting thread go; from another one."""

    def close(self) -> None:
        """Give the keys back."""


def _keyboard(environ: Mapping[str, str]) -> Keys:
    """That of this session. Raises ``HotkeyError``."""
    if sys.platform != "linux":
        raise HotkeyError("hotkeys need X11 or Wayland: let your system's own run 'gamecast ctl'")
    if is_wayland(environ):
        from gamecast.client.shortcuts import Shortcuts

        return Shortcuts(environ)
    try:
        return Keyboard(environ)
    except XError as error:
        raise HotkeyError(f"no hotkeys: {error}") from error


class Keyboard(Display):
    """A display that gives us keys."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(environ)
        first, last = self.setup.keycodes
        request = wire.get_keyboard_mapping(first, last - first + 1)
        mapping = self._ask(request, wire.parse_keyboard_mapping)
        self._keycodes: dict[int, list[int]] = {}
        for keycode, keysyms in enumerate(mapping, first):
            if keysyms and keysyms[0]:
                self._keycodes.setdefault(keysyms[0], []).append(keycode)

    def grab(self, hotkeys: Sequence[Hotkey]) -> dict[object, Hotkey]:
        """Grab keys, by keycode and modifiers. Raises ``HotkeyError``."""
        return {
            (keycode, hotkey.modifiers): hotkey
            for hotkey in hotkeys
            for keycode in self._grab(hotkey)
        }

    def _grab(self, hotkey: Hotkey) -> list[int]:
        """Grab a key; the keycodes that it has here."""
        keycodes = self._keycodes.get(hotkey.keysym, [])
        if not keycodes:
            raise HotkeyError(f"{hotkey.keys}: this keyboard has no such key")
        for keycode in keycodes:
            for locks in _LOCKS:
                self._send(wire.grab_key(self.root, hotkey.modifiers | locks, keycode))
        try:
            self._ask(wire.get_geometry(self.root), wire.parse_geometry)
        except XError:
            raise HotkeyError(f"{hotkey.keys} belongs to another program") from None
        return keycodes

    def wait(self) -> tuple[int, int]:
        """Keycode and modifiers of the next key pressed. Raises ``XError`` at the end."""
        self._socket.settimeout(None)
        while True:
            event = self._receive(32)
            if event[0] & 0x7F == wire.KEY_PRESS:
                keycode, state = wire.parse_key_event(event)
                return keycode, state & _KNOWN

    def hang_up(self) -> None:
        """Let a waiting thread go; from another one."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
