"""A desktop portal that does what a test tells it, on a real bus, by the rules of the
specification (org.freedesktop.portal.Request, Session, ScreenCast)."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import Message, MessageType, RequestNameReply, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.unpack import unpack_variants

from gamecast.client.capture.wayland.portal import NAME, PATH, REQUEST, SESSION

SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"
Answer = tuple[int, dict[str, Variant]]
STREAMS = Variant("a(ua{sv})", [[42, {"size": Variant("(ii)", [640, 360])}]])


@dataclass
class FakePortal:
    """Its answers may be changed before it is asked; what it was asked is kept."""

    answers: dict[str, Answer | None] = field(default_factory=dict)
    """Code and results by method; ``None`` says nothing."""
    properties: dict[str, Variant] | None = None
    own_paths: bool = False
    """Choose the requests' paths as portals before 0.9 did."""
    asked: list[tuple[str, list[Any]]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    """Requests that were withdrawn."""
    dialog: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once ``Start`` was called, which is when a user is asked."""
    session: str = ""
    bus: MessageBus | None = None

    def __post_init__(self) -> None:
        if self.properties is None:
            self.properties = {
                "version": Variant("u", 5),
                "AvailableSourceTypes": Variant("u", 3),
                "AvailableCursorModes": Variant("u", 7),
            }
        self.answers = {
            "SelectSources": (0, {}),
            "BindShortcuts": (0, {}),
            "Start": (0, {"streams": STREAMS, "restore_token": Variant("s", "next")}),
            **self.answers,
        }

    async def start(self, address: str) -> None:
        """Take the portal's name on this bus."""
        self.bus = await MessageBus(bus_address=address, negotiate_unix_fd=True).connect()
        self.bus.add_message_handler(self._handle)
        assert await self.bus.request_name(NAME) is RequestNameReply.PRIMARY_OWNER

    async def stop(self) -> None:
        """Leave the bus."""
        assert self.bus is not None
        self.bus.disconnect()
        await self.bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def options(self, method: str) -> dict[str, Any]:
        """The options with which a method was called last."""
        return dict(unpack_variants(next(b for m, b in reversed(self.asked) if m == method)[-1]))

    def end_session(self) -> None:
        """As a desktop does when its user presses "stop sharing"."""
        self._signal(self.session, SESSION, "Closed", "", [])

    def press(self, shortcut: str, session: str = "") -> None:
        """As a desktop does when its user presses the key of a shortcut."""
        body = [session or self.session, shortcut, 0, {}]
        self._signal(PATH, SHORTCUTS, "Activated", "osta{sv}", body)

    def _handle(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        method = message.member or ""
        self.asked.append((method, list(message.body)))
        if method == "Start":
            self.dialog.set()
        if method == "GetAll":
            return Message.new_method_return(message, "a{sv}", [self.properties])
        if method == "Close":
            self.closed.append(message.path or "")
            return Message.new_method_return(message)
        if method == "OpenPipeWireRemote":
            return self._remote(message)
        return self._request(message, method)

    def _request(self, message: Message, method: str) -> Message:
        options = unpack_variants(message.body[-1])
        sender = (message.sender or "")[1:].replace(".", "_")
        path = f"{PATH}/request/{sender}/{options['handle_token']}"
        if self.own_paths:
            path = f"{PATH}/request/own{len(self.asked)}"
        if method == "CreateSession":
            self.session = f"{PATH}/session/{sender}/{options['session_handle_token']}"
            handle = {"session_handle": Variant("s", self.session)}
            self.answers.setdefault("CreateSession", (0, handle))
        answer = self.answers[method]
        if answer is not None:
            asyncio.get_running_loop().call_later(
                0.05 if self.own_paths else 0,
                lambda: self._signal(path, REQUEST, "Response", "ua{sv}", list(answer)),
            )
        return Message.new_method_return(message, "o", [path])

    def _remote(self, message: Message) -> Message:
        self.pipe = os.pipe()
        return Message.new_method_return(message, "h", [0], unix_fds=[self.pipe[0]])

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> None:
        assert self.bus is not None
        self.bus.send(Message.new_signal(path, interface, member, signature, body))
