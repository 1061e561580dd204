"""Portal: a connection to xdg-desktop-portal, and its way of answering by signals.

A method of a portal answers at once with the path of a *request*; what the user decided comes as
that request's ``Response`` signal. The path is known before the call, from our name on the bus and
a token of our choice, so that no answer is missed (documentation of
org.freedesktop.portal.Request). Portals end their sessions when the connection is closed.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError
from dbus_fast.unpack import unpack_variants

PORTALS = "org.freedesktop.portal"
NAME = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
REQUEST = "org.freedesktop.portal.Request"
SESSION = "org.freedesktop.portal.Session"
BUS_NAME, BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"

CALL_LIMIT = 40.0
"""Seconds for a method to answer; the first one starts the portal."""
ASKING = ("Start", "BindShortcuts")
"""Methods that may open a dialog."""
SUCCESS, CANCELLED = 0, 1
"""Codes of ``Response``; whatever else there is means that it ended in another way."""
ABSENT = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.UnknownInterface",
)
"""Errors that mean that there is no portal, or not this one."""
NO_INTERFACE = "org.freedesktop.DBus.Error.InvalidArgs"
"""What GLib's services say when they are asked for properties of an interface they lack."""


class PortalError(Exception):
    """The portal does not do it; one clear line for the user."""


class PortalCancelledError(PortalError):
    """The user said no."""


class Portal:
    """For one event loop."""

    def __init__(self, bus: MessageBus) -> None:
        """Take a connected bus; ``connect`` makes one."""
        self._bus = bus
        self._owner = ""
        self._numbers = itertools.count(1)
        self._responses: dict[str, asyncio.Future[tuple[int, dict[str, Any]]]] = {}
        self._sessions: dict[str, Callable[[], None]] = {}
        self._listeners: dict[tuple[str, str], Callable[[list[Any]], None]] = {}
        bus.add_message_handler(self._handle)

    @classmethod
    async def connect(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Connect to the session's bus. Raises ``PortalError``."""
        address = environ.get("DBUS_SESSION_BUS_ADDRESS", "")
        if not address:
            folder = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
            address = f"unix:path={folder}/bus"
        try:
            async with asyncio.timeout(CALL_LIMIT):
                bus = await MessageBus(bus_address=address, negotiate_unix_fd=True).connect()
        except Exception as error:  # whatever dbus-fast makes of an address that leads nowhere
            raise PortalError(f"no D-Bus session bus: {error}") from error
        portal = cls(bus)
        try:
            await portal._listen()
        except BaseException:
            await portal.close()
            raise
        return portal

    async def close(self) -> None:
        """Disconnect, which ends what the portal does for us."""
        self._bus.disconnect()
        with suppress(Exception):  # it raises what ended the connection, whatever that was
            async with asyncio.timeout(CALL_LIMIT):
                await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def on_session_closed(self, session: str, tell: Callable[[], None]) -> None:
        """Call ``tell`` once the portal has ended this session, or has itself ended."""
        self._sessions[session] = tell

    async def listen(self, interface: str, member: str, tell: Callable[[list[Any]], None]) -> None:
        """Call ``tell`` with the body of every such signal of the portal's."""
        name = f"{PORTALS}.{interface}"
        self._listeners[name, member] = tell
        await self._match(f"type='signal',sender='{NAME}',interface='{name}',member='{member}'")

    async def properties(self, interface: str) -> dict[str, Any]:
        """The properties of a portal's interface. Raises ``PortalError`` where it is missing."""
        reply = await self._call(
            PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", [f"{PORTALS}.{interface}"]
        )
        self._owner = reply.sender or ""
        return dict(unpack_variants(reply.body[0]))

    async def call(self, interface: str, method: str, signature: str, body: list[Any]) -> Message:
        """The reply of a method that answers at once. Raises ``PortalError``."""
        return await self._call(PATH, f"{PORTALS}.{interface}", method, signature, body)

    async def request(
        self,
        interface: str,
        method: str,
        signature: str,
        body: Sequence[Any],
        options: Mapping[str, Variant],
        *,
        limit: float,
    ) -> dict[str, Any]:
        """The results of a method that answers by a request; options are its last argument.

        Raises ``PortalCancelledError`` if the user declines, ``PortalError`` for anything else,
        also after ``limit`` seconds without an answer.
        """
        token = f"gamecast{next(self._numbers)}_{secrets.token_hex(8)}"
        sender = (self._bus.unique_name or "").removeprefix(":").replace(".", "_")
        path = f"{PATH}/request/{sender}/{token}"
        response = asyncio.get_running_loop().create_future()
        self._responses[path] = response
        whole = {**options, "handle_token": Variant("s", token)}
        try:
            reply = await self.call(interface, method, signature, [*body, whole])
            path = self._follow(path, reply)
            code, results = await self._answer(response, path, method, limit)
        finally:
            self._responses = {k: v for k, v in self._responses.items() if v is not response}
        if code == CANCELLED:
            raise PortalCancelledError("declined in the desktop's dialog")
        if code != SUCCESS:
            raise PortalError(f"the desktop's portal failed to {_spoken(method)} (code {code})")
        return results

    def _follow(self, path: str, reply: Message) -> str:
        """The request's path; portals before 0.9 choose one of their own."""
        actual = str(reply.body[0]) if reply.body else path
        if actual != path:
            self._responses[actual] = self._responses[path]
        return actual

    async def _answer(
        self,
        response: asyncio.Future[tuple[int, dict[str, Any]]],
        path: str,
        method: str,
        limit: float,
    ) -> tuple[int, dict[str, Any]]:
        try:
            async with asyncio.timeout(limit):
                return await response
        except TimeoutError:
            await self._call(path, REQUEST, "Close", "", [])
            waited = f"nobody answered the desktop's dialog for {limit:g} s"
            raise PortalError(
                waited if method in ASKING else f"the desktop's portal is silent ({method})"
            ) from None

    async def _listen(self) -> None:
        for rule in (
            f"type='signal',sender='{NAME}',interface='{REQUEST}',member='Response'",
            f"type='signal',sender='{NAME}',interface='{SESSION}',member='Closed'",
            f"type='signal',sender='{BUS_NAME}',member='NameOwnerChanged',arg0='{NAME}'",
        ):
            await self._match(rule)

    async def _match(self, rule: str) -> None:
        await self._send(
            Message(
                destination=BUS_NAME,
                path=BUS_PATH,
                interface=BUS_NAME,
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )

    async def _call(
        self, path: str, interface: str, method: str, signature: str, body: list[Any]
    ) -> Message:
        message = Message(
            destination=NAME,
            path=path,
            interface=interface,
            member=method,
            signature=signature,
            body=body,
        )
        return await self._send(message)

    async def _send(self, message: Message) -> Message:
        try:
            async with asyncio.timeout(CALL_LIMIT):
                reply = await self._bus.call(message)
        except TimeoutError:
            raise PortalError(f"the desktop's portal is silent ({message.member})") from None
        except (DBusError, EOFError, OSError) as error:
            raise PortalError(f"the session bus broke: {error}") from error
        if reply is None or reply.message_type is MessageType.ERROR:
            raise _refusal(message, reply)
        return reply

    def _handle(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "NameOwnerChanged" and message.sender == BUS_NAME:
            self._owner_changed(message)
        elif message.sender != self._owner:
            return  # anybody may send us a signal; only the portal's count
        elif message.interface == REQUEST and message.member == "Response":
            self._responded(message)
        elif message.interface == SESSION and message.member == "Closed":
            tell = self._sessions.pop(message.path or "", None)
            if tell is not None:
                tell()
        else:
            listener = self._listeners.get((message.interface or "", message.member or ""))
            if listener is not None:
                listener(list(message.body))

    def _responded(self, message: Message) -> None:
        response = self._responses.get(message.path or "")
        if response is not None and not response.done() and message.signature == "ua{sv}":
            code, results = message.body
            response.set_result((code, unpack_variants(results)))

    def _owner_changed(self, message: Message) -> None:
        """The portal was restarted, or crashed: it knows our sessions and requests no more."""
        if message.signature != "sss" or message.body[0] != NAME or not message.body[1]:
            return
        for response in self._responses.values():
            if not response.done():
                response.set_exception(PortalError("the desktop's portal has ended"))
        sessions, self._sessions = self._sessions, {}
        for tell in sessions.values():
            tell()


def _refusal(message: Message, reply: Message | None) -> PortalError:
    name = reply.error_name if reply is not None else None
    text = str(reply.body[0]) if reply is not None and reply.body else "no reason given"
    if name in ABSENT or (name == NO_INTERFACE and message.member == "GetAll"):
        return PortalError(
            "this desktop has no portal for it: install xdg-desktop-portal and the back end of "
            "your desktop (xdg-desktop-portal-gnome, -kde, -wlr, -hyprland)"
        )
    return PortalError(f"the desktop's portal refused: {text[:200]}")


def _spoken(method: str) -> str:
    return {"Start": "share", "SelectSources": "offer a choice"}.get(method, method)
