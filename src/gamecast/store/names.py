"""Channel names: the one place that says which are allowed.

A name is one URL segment and one file name on every system, so it is checked against an allow-list
and never escaped. Names are shown as written; two channels may not differ by case alone.
"""

from __future__ import annotations

import re

MAX_NAME_LENGTH = 64

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)

# fmt: off
RESERVED = frozenset((
    "about", "account", "admin", "api", "assets", "auth", "chat", "dash", "docs", "embed",
    "health", "healthz", "help", "hls", "icons", "live", "login", "logout", "me", "metrics",
    "new", "player", "publish", "readyz", "redoc", "search", "settings", "setup", "static",
    "status", "stream", "streams", "studio", "sw", "user", "users", "vendor", "watch", "webrtc",
    "whep", "whip", "ws",
))
# fmt: on
"""Words that are, or may become, the first segment of a URL of ours; compared without case."""

# Windows opens devices by these names, whatever the folder or extension.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.ASCII | re.IGNORECASE)


class InvalidName(ValueError):
    """This cannot be a channel's name; the message says why and is fit for the user."""


def is_valid_name(name: str) -> bool:
    """Whether a channel may have this name."""
    return (
        _NAME.fullmatch(name) is not None
        and name.lower() not in RESERVED
        and _DEVICES.fullmatch(name) is None
    )


def check_name(name: str) -> str:
    """Return the name, or raise :class:`InvalidName`."""
    if is_valid_name(name):
        return name
    if _NAME.fullmatch(name) is not None:
        raise InvalidName(f"the name {name!r} is reserved")
    raise InvalidName(
        f"{name[:MAX_NAME_LENGTH]!a} cannot be a channel's name: that is 1 to {MAX_NAME_LENGTH}"
        " letters (a-z, A-Z), digits, '-' and '_', and starts with a letter or a digit"
    )
