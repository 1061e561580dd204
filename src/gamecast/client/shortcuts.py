"""Hotkeys under Wayland: the desktop's portal takes the keys and tells when one was pressed.

org.freedesktop.portal.GlobalShortcuts: CreateSession, BindShortcuts, the signal ``Activated``. The
desktop shows its user what is wanted; other keys may be chosen there for the same command.
"""

from __future__ import annotations

import os
import queue
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from dbus_fast import Variant

from gamecast.client.capture.wayland.portal import Portal, PortalError
from gamecast.client.capture.wayland.screencast import STEP_LIMIT, USER_LIMIT
from gamecast.client.hotkeys import Hotkey, HotkeyError
from gamecast.client.push.network import NetworkThread

INTERFACE = "GlobalShortcuts"
INSTEAD = "let your desktop's own shortcuts run 'gamecast ctl'"
_MODIFIERS = {
    **{"shift": "SHIFT", "ctrl": "CTRL", "control": "CTRL", "alt": "ALT"},
    **{"super": "LOGO", "win": "LOGO"},
}
_KEYS = {
    **{"pause": "Pause", "scrolllock": "Scroll_Lock", "print": "Print", "insert": "Insert"},
    **{"home": "Home", "pageup": "Page_Up", "pagedown": "Page_Down", "end": "End"},
    **{"delete": "Delete", "space": "space"},
    **{f"kp{number}": f"KP_{number}" for number in range(10)},
    **{f"f{number}": f"F{number}" for number in range(1, 25)},
}
"""Names of keysyms; letters and digits are their own."""


class Shortcuts:
    """A keyboard, as ``hotkeys.Keyboard`` is one."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Raises ``HotkeyError`` where the desktop has no such portal."""
        self._pressed: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._portal: Portal | None = None
        self._environ = environ
        self._thread = NetworkThread()
        try:
            self._thread.submit(self._connect()).result()
        except PortalError as error:
            self.close()
            raise HotkeyError(f"no hotkeys: {error}; {INSTEAD}") from error
        except BaseException:
            self.close()
            raise

    def grab(self, hotkeys: Sequence[Hotkey]) -> dict[str, Hotkey]:
        """Ask for the keys, which may ask the user. Raises ``HotkeyError``."""
        names = {f"gamecast{number}": hotkey for number, hotkey in enumerate(hotkeys)}
        try:
            self._thread.submit(self._bind(names)).result()
        except PortalError as error:
            raise HotkeyError(f"no hotkeys: {error}; {INSTEAD}") from error
        return names

    def wait(self) -> object:
        """The next one pressed. Raises ``HotkeyError`` at the end."""
        pressed = self._pressed.get()
        if pressed is None:
            raise HotkeyError("the desktop has taken the keys back")
        return pressed

    def hang_up(self) -> None:
        """Let a waiting thread go; from another one."""
        self._pressed.put(None)

    def close(self) -> None:
        """Give the keys back."""
        if self._portal is not None:
            self._thread.submit(self._portal.close()).result()
            self._portal = None
        self._thread.close()

    async def _connect(self) -> None:
        self._portal = await Portal.connect(self._environ)
        await self._portal.properties(INTERFACE)

    async def _bind(self, names: Mapping[str, Hotkey]) -> None:
        portal = self._portal
        if portal is None:
            raise PortalError("the keyboard is closed")
        token = Variant("s", f"gamecast_{secrets.token_hex(8)}")
        opened = await portal.request(
            INTERFACE,
            "CreateSession",
            "a{sv}",
            [],
            {"session_handle_token": token},
            limit=STEP_LIMIT,
        )
        session = str(opened.get("session_handle", ""))
        if not session.startswith("/"):
            raise PortalError("the desktop's portal opened no session")
        portal.on_session_closed(session, self.hang_up)
        await portal.listen(INTERFACE, "Activated", lambda body: self._activated(session, body))
        wanted = [[name, _wish(hotkey)] for name, hotkey in names.items()]
        await portal.request(
            INTERFACE,
            "BindShortcuts",
            "oa(sa{sv})sa{sv}",
            [session, wanted, ""],
            {},
            limit=USER_LIMIT,
        )

    def _activated(self, session: str, body: Sequence[Any]) -> None:
        if len(body) >= 2 and body[0] == session and isinstance(body[1], str):
            self._pressed.put(body[1])


def _wish(hotkey: Hotkey) -> dict[str, Variant]:
    return {
        "description": Variant("s", f"Gamecast: {' '.join(hotkey.command)}"),
        "preferred_trigger": Variant("s", trigger(hotkey.keys)),
    }


def trigger(keys: str) -> str:
    """A hotkey in the words of the XDG shortcuts specification, for example ``CTRL+ALT+r``."""
    *modifiers, key = [part.strip().lower() for part in keys.split("+")]
    return "+".join([*(_MODIFIERS[each] for each in modifiers), _KEYS.get(key, key)])
