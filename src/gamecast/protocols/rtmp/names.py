"""Names of applications and streams, and the queries behind them."""

from __future__ import annotations

import unicodedata
from urllib.parse import parse_qsl, urlsplit

from gamecast.protocols.rtmp.limits import RtmpLimits


class NameRefused(ValueError):
    """A name that no honest client sends; it is refused with a status, the reason is the text."""


def parse_name(raw: str, limits: RtmpLimits) -> tuple[str, dict[str, str]]:
    """Split ``live/name?key=value`` into the name without outer slashes, and its query.

    Raises :class:`NameRefused` on over-long names, control and invisible formatting characters
    (which forge log lines), backslashes and ``.`` or ``..`` as a path segment, also
    percent-encoded: a name becomes part of file names and URLs elsewhere.
    """
    if len(raw) > limits.max_name_length:
        raise NameRefused("name too long")
    name, _, query = raw.partition("?")
    name = name.strip("/")
    decoded = name.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\")
    if any(unicodedata.category(character)[0] == "C" for character in name):
        raise NameRefused("name with control characters")
    if "\\" in decoded or any(part in (".", "..") for part in decoded.split("/")):
        raise NameRefused("name with a relative path")
    return name, parse_query(query, limits)


def parse_query(query: str, limits: RtmpLimits) -> dict[str, str]:
    """``key=value&...`` as a dictionary; of equal keys the last. Raises :class:`NameRefused`."""
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=limits.max_query_fields)
    except ValueError:
        raise NameRefused("query with too many fields") from None
    return dict(fields)


def url_query(url: str) -> str:
    """The query of ``url``, or "" where there is none or ``url`` is not a URL."""
    try:
        return urlsplit(url).query
    except ValueError:
        return ""
