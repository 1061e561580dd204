"""The ScreenCast portal: asking the user for a screen or a window, and getting a PipeWire stream.

org.freedesktop.portal.ScreenCast, versions 1 to 6: CreateSession, SelectSources, Start,
OpenPipeWireRemote.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

from dbus_fast import Variant

from gamecast.client.capture.wayland.portal import Portal, PortalError

INTERFACE = "ScreenCast"
STEP_LIMIT = 30.0
"""Seconds for what the portal does without the user."""
USER_LIMIT = 120.0
"""Seconds for the user to choose."""
CURSOR_SINCE, PERSIST_SINCE = 2, 4
"""Versions of the portal that take ``cursor_mode``, and ``persist_mode`` with ``restore_token``."""
UNTIL_REVOKED = 2
"""``persist_mode``: the permission lasts until the user takes it back."""


class Kind(IntFlag):
    """What may be shared: ``AvailableSourceTypes``."""

    SCREEN = 1
    WINDOW = 2


class Cursor(IntFlag):
    """How the pointer may be shown: ``AvailableCursorModes``."""

    HIDDEN = 1
    EMBEDDED = 2


@dataclass(slots=True, frozen=True)
class Offer:
    """What the desktop's portal can do."""

    version: int
    kinds: Kind
    cursors: Cursor


@dataclass(slots=True, frozen=True)
class Cast:
    """What the user shares."""

    session: str
    node: int
    """The PipeWire node's id, in the remote that ``open_remote`` opens."""
    token: str | None
    """With it the next ``share`` asks no more; good for one time."""


async def offer(portal: Portal) -> Offer:
    """What there is. Raises ``PortalError`` where there is no such portal."""
    found = await portal.properties(INTERFACE)
    return Offer(
        version=_number(found.get("version")),
        kinds=Kind(_number(found.get("AvailableSourceTypes")) & 3),
        cursors=Cursor(_number(found.get("AvailableCursorModes")) & 3),
    )


async def share(portal: Portal, kind: Kind, *, cursor: bool, token: str | None) -> Cast:
    """Ask the user for one screen or window, or with a valid ``token`` take the one of before.

    Raises ``PortalError``.
    """
    there = await offer(portal)
    if not there.kinds & kind:
        other = "--screen" if kind is Kind.WINDOW else "--window"
        raise PortalError(f"this desktop's portal shares no {_plural(kind)}: use {other}")
    opened = await portal.request(
        INTERFACE,
        "CreateSession",
        "a{sv}",
        [],
        {"session_handle_token": Variant("s", f"gamecast_{secrets.token_hex(8)}")},
        limit=STEP_LIMIT,
    )
    session = str(opened.get("session_handle", ""))
    if not session.startswith("/"):
        raise PortalError("the desktop's portal opened no session")
    options = _options(there, kind, cursor=cursor, token=token)
    await portal.request(INTERFACE, "SelectSources", "oa{sv}", [session], options, limit=STEP_LIMIT)
    started = await portal.request(
        INTERFACE, "Start", "osa{sv}", [session, ""], {}, limit=USER_LIMIT
    )
    new_token = started.get("restore_token")
    return Cast(session, _node(started), new_token if isinstance(new_token, str) else None)


async def open_remote(portal: Portal, cast: Cast) -> int:
    """A connection to PipeWire that sees this cast and nothing else, as a file descriptor of the
    caller's. Raises ``PortalError``."""
    reply = await portal.call(INTERFACE, "OpenPipeWireRemote", "oa{sv}", [cast.session, {}])
    if len(reply.unix_fds) != 1:
        for each in reply.unix_fds:
            os.close(each)
        raise PortalError("the desktop's portal gave no way to PipeWire")
    return reply.unix_fds[0]


def _options(there: Offer, kind: Kind, *, cursor: bool, token: str | None) -> dict[str, Variant]:
    options = {"types": Variant("u", int(kind)), "multiple": Variant("b", False)}
    mode = Cursor.EMBEDDED if cursor else Cursor.HIDDEN
    if there.version >= CURSOR_SINCE and there.cursors & mode:
        options["cursor_mode"] = Variant("u", int(mode))
    if there.version >= PERSIST_SINCE:
        options["persist_mode"] = Variant("u", UNTIL_REVOKED)
        if token:
            options["restore_token"] = Variant("s", token)
    return options


def _node(started: dict[str, Any]) -> int:
    """The id of the first stream of ``a(ua{sv})``."""
    try:
        return int(started["streams"][0][0])
    except (KeyError, IndexError, TypeError, ValueError):
        raise PortalError("the desktop's portal shares nothing") from None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _plural(kind: Kind) -> str:
    return "windows" if kind is Kind.WINDOW else "screens"
