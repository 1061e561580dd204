"""RTMP URLs as people type them: ``rtmp://host[:port]/app/name?query``."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}
"""What every other program takes where a URL names no port."""


@dataclass(slots=True, frozen=True, kw_only=True)
class RtmpUrl:
    """An RTMP URL taken apart. The name, which may be a key, is not in the ``repr``."""

    tls: bool
    host: str
    port: int
    app: str
    """All of the path but its last segment, as OBS has it in "Server"."""
    name: str = field(repr=False)
    """The last segment with the query: "Stream Key" in OBS."""

    @property
    def tc_url(self) -> str:
        """The URL of the application, as ``connect`` carries it."""
        scheme = "rtmps" if self.tls else "rtmp"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[scheme] else f":{self.port}"
        return f"{scheme}://{host}{port}/{self.app}"


def parse_url(url: str) -> RtmpUrl:
    """Take ``url`` apart. Raises ``ValueError``, without the URL in it, where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("not a valid RTMP URL") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("an RTMP URL looks like rtmp://host/app/name")
    app, _, name = parts.path.strip("/").rpartition("/")
    if not app:
        app, name = name, ""
    if parts.query:
        name = f"{name}?{parts.query}"
    return RtmpUrl(
        tls=parts.scheme == "rtmps",
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        app=app,
        name=name,
    )
