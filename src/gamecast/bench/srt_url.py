"""``srt://host:port?streamid=…``, as publishers and viewers of the load read it."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from gamecast.protocols.srt import Settings

_LATENCY_MS = 120


@dataclass(slots=True, frozen=True)
class SrtUrl:
    """Where to call, and with which settings."""

    address: tuple[str, int]
    settings: Settings = field(repr=False)


def parse_srt_url(url: str) -> SrtUrl:
    """Reads ``streamid``, ``latency`` (ms), ``passphrase``. Raises ``ValueError``, ``OSError``."""
    parts = urlsplit(url)
    if parts.scheme != "srt" or not parts.hostname or not parts.port:
        raise ValueError("it looks like srt://host:8890?streamid=publish:live/NAME")
    # A stream id of the form "#!::…" is a fragment to every URL parser.
    text = parts.query + (f"#{parts.fragment}" if parts.fragment else "")
    query = dict(parse_qsl(text.replace("+", "%2B"), keep_blank_values=True))
    latency = int(query.get("latency", _LATENCY_MS)) / 1000
    settings = Settings(
        latency=latency,
        peer_latency=latency,
        passphrase=query.get("passphrase", ""),
        stream_id=query.get("streamid", ""),
    )
    return SrtUrl((socket.gethostbyname(parts.hostname), parts.port), settings)
