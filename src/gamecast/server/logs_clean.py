"""Make log events safe to write: no secret, no control character, no text without end.

Peers choose stream names, software names and query strings, so any string may hold a key, an ANSI
escape that repaints the terminal, or a line break that forges a second event.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

HIDDEN = "***"
MAX_LENGTH = 256
MAX_TRACEBACK_LENGTH = 8_192

EventDict = MutableMapping[str, Any]

_SECRET_FIELDS = frozenset(
    {
        *("authorization", "cookie", "jwt", "key", "passphrase", "password", "secret"),
        *("stream_key", "streamid", "token"),
    }
)
_PARAMETERS = r"access_token|auth|jwt|key|passphrase|passwd|password|secret|signature|token"
_ASSIGNED = r"(?:=|%3D)"
_VALUE = r"[^&\s\"'#,;<>]*"

_RULES = (
    # Our own keys and tokens, wherever they stand: rtmp://host/live/gc_… has no parameter.
    (re.compile(r"\b(gct?_)[a-z2-7]{6,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"\b({_PARAMETERS})({_ASSIGNED}){_VALUE}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    # SRT stream ids: "#!::r=live/a,m=publish,s=KEY" and "publish:live/a:user:KEY".
    (re.compile(rf"((?:[,:?&]|%2C|%3A)s{_ASSIGNED}){_VALUE}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b((?:publish|read|request):[^:\s]{1,200}:[^:\s]{0,100}:)\S+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+[^\s\"',]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(://)[^/\s@]{1,200}@"), rf"\1{HIDDEN}@"),
)


def redact(text: str) -> str:
    """The text without what looks like a key, token, password or passphrase."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def escape(text: str) -> str:
    """The text with control characters, escapes, line and direction changes made visible."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def clean(value: Any, limit: int = MAX_LENGTH) -> Any:
    """A value fit for a log line: numbers stay, all else becomes a short, harmless string."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    # Cut before the patterns run, with room for a secret at the end to be seen whole.
    text = escape(redact(text[: 4 * limit]))
    return text if len(text) <= limit else text[:limit] + "…"


def clean_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: :func:`clean` on every field, secret fields hidden altogether."""
    for name, value in event.items():
        if name == "exception":
            event[name] = _clean_traceback(str(value))
        elif name.lower() in _SECRET_FIELDS:
            event[name] = HIDDEN
        else:
            event[name] = clean(value)
    return event


def _clean_traceback(text: str) -> str:
    # The mark at the start of each line keeps a line break in a message from forging an event.
    lines = redact(text[-MAX_TRACEBACK_LENGTH:]).splitlines()
    return "\n".join(f"  | {escape(line)}" for line in lines)
