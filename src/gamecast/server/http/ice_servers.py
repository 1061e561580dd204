"""STUN and TURN servers for WHIP and WHEP clients, as ``Link`` headers (RFC 9725 section 4.6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence

from starlette.responses import Response

from gamecast.server.config import IceServer

_USER = "gamecast"


class IceServers:
    """Servers as configured; those with a shared secret get credentials that expire."""

    def __init__(self, servers: Sequence[IceServer], *, wall: Callable[[], float]) -> None:
        self._servers = list(servers)
        self._wall = wall

    def add_to(self, response: Response) -> None:
        """One ``Link`` header for each server."""
        for server in self._servers:
            response.headers.append("link", self._link(server))

    def _link(self, server: IceServer) -> str:
        link = f'<{server.url}>; rel="ice-server"'
        username, credential = self._credentials(server)
        if not username:
            return link
        return (
            f'{link}; username="{username}"; credential="{credential}"; credential-type="password"'
        )

    def _credentials(self, server: IceServer) -> tuple[str, str]:
        secret = server.secret.get_secret_value()
        if not secret:
            return server.username, server.credential.get_secret_value()
        # The scheme of coturn's `use-auth-secret` (draft-uberti-behave-turn-rest-00): the name
        # says until when the password holds.
        username = f"{int(self._wall() + server.lifetime)}:{server.username or _USER}"
        digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
        return username, base64.b64encode(digest).decode()
