"""WHIP destinations as the user writes them: ``whip://host:8080/whip``, ``https://…``."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

SCHEMES = {
    "whip": "http",
    "whips": "https",
    "whip+http": "http",
    "whip+https": "https",
    "http": "http",
    "https": "https",
}
"""What may stand before ``://``, and what is spoken."""
DEFAULT_PATH = "/whip"
HIDDEN = "****"
_KEY = "key"
_LONGEST_NAME = 20
"""Characters; a longer part of a path may be a secret."""
_LOOKS = "whip://host:8080/whip"


@dataclass(slots=True, frozen=True)
class WhipTarget:
    """Where to publish over WHIP."""

    url: str = field(repr=False)
    """The endpoint, ``http://`` or ``https://``; its query may hold secrets."""
    token: str = field(repr=False)
    """Bearer token; empty for none."""
    shown: str
    """The URL without its secrets."""

    def scrub(self, text: str) -> str:
        """``text`` (what a server said) without our secrets."""
        parts = urlsplit(self.url)
        secrets = [value for _, value in parse_qsl(parts.query)]
        secrets += [each for each in parts.path.split("/") if len(each) > _LONGEST_NAME]
        for secret in sorted([self.token, *secrets], key=len, reverse=True):
            if len(secret) > 3:
                text = text.replace(secret, HIDDEN)
        return text


def parse_whip_target(text: str, key: str) -> WhipTarget:
    """Read a WHIP URL. Raises ``ValueError`` with one clear line that holds no secret.

    The token is ``key`` (that of the environment), or ``?key=`` of the URL, which is taken out of
    it: servers write URLs into their logs. Other parts of the query stay.
    """
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ValueError(f"bad WHIP URL: it looks like {_LOOKS}") from None
    if not host:
        raise ValueError(f"bad WHIP URL: it looks like {_LOOKS}")
    if "@" in parts.netloc:
        raise ValueError(f"{parts.scheme}://{host}: no user name before the host; use ?key=KEY")
    fields = parse_qsl(parts.query, keep_blank_values=True)
    token = key or next((value for name, value in fields if name == _KEY), "")
    if not token.isprintable() or not token.isascii() or " " in token:
        raise ValueError(
            f"{parts.scheme}://{host}: the key has characters that no header can carry"
        )
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields if name != _KEY)
    authority = f"[{host}]" if ":" in host else host
    authority += f":{port}" if port else ""
    path = parts.path if parts.path not in ("", "/") else DEFAULT_PATH
    url = f"{SCHEMES[parts.scheme.lower()]}://{authority}{path}"
    hidden = f"?{HIDDEN}" if query else ""
    return WhipTarget(
        url=f"{url}?{query}" if query else url,
        token=token,
        shown=f"{parts.scheme.lower()}://{authority}{_shown_path(path)}{hidden}",
    )


def _shown_path(path: str) -> str:
    """Without what some platforms have there: a secret instead of a token."""
    parts = [HIDDEN if len(part) > _LONGEST_NAME else part for part in path.split("/")]
    return "/".join(parts)
