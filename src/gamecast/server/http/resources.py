"""WebRTC sessions as HTTP resources: made by an offer, ended by ``DELETE`` (RFC 9725, 4)."""

from __future__ import annotations

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from gamecast.protocols.webrtc.session import Session
from gamecast.server.http.offers import SDP
from gamecast.server.http.problems import problem
from gamecast.server.webrtc.endpoint import Endpoint

_MOST = 4096
"""Beyond so many the ended ones are swept out; the endpoint bounds those that live."""


class SessionResources:
    """The sessions of one kind (``whep`` or ``whip``) by their unguessable names."""

    def __init__(self, kind: str, endpoint: Endpoint, *, ice_servers: list[str]) -> None:
        """``ice_servers`` are values of ``Link`` headers with ``rel="ice-server"``."""
        self._kind = kind
        self._endpoint = endpoint
        self._ice_servers = ice_servers
        self._path = re.compile(rf"{kind}/([A-Za-z0-9_-]{{16,64}})")
        self._sessions: dict[str, Session] = {}

    def names(self, file: str) -> bool:
        """Whether a path is that of a resource."""
        return self._path.fullmatch(file) is not None

    def created(self, channel: str, session: Session, answer: str) -> Response:
        """201 with the answer and the new resource."""
        if len(self._sessions) >= _MOST:
            ended = [n for n, s in self._sessions.items() if s.closed_reason is not None]
            for each in ended:
                del self._sessions[each]
        name = secrets.token_urlsafe(18)
        self._sessions[name] = session
        response = Response(
            answer,
            status_code=201,
            media_type=SDP,
            headers={
                "location": f"/live/{channel}/{self._kind}/{name}",
                "etag": f'"{name[:8]}"',
                "cache-control": "no-store",
                "access-control-expose-headers": "location, link, etag",
            },
        )
        for link in self._ice_servers:
            response.headers.append("link", link)
        return response

    def answer(self, request: Request, file: str) -> Response:
        """A request to a resource. Its name is the credential."""
        match = self._path.fullmatch(file)
        name = match[1] if match is not None else ""
        session = self._sessions.get(name)
        if session is None or session.closed_reason is not None:
            self._sessions.pop(name, None)
            return problem(404, "no such session", code="no_such_session")
        if request.method == "DELETE":
            del self._sessions[name]
            self._endpoint.end(session, "ended by its client")
            return Response(status_code=200)
        if request.method == "PATCH":
            # Trickled candidates need nothing of an ICE-lite agent: checks tell it the address.
            return Response(status_code=204)
        return problem(405, "", headers={"allow": "PATCH, DELETE, OPTIONS"})


def reached_at(request: Request) -> str:
    """The address of ours that a request came to."""
    server = request.scope.get("server") or ("127.0.0.1", 0)
    return str(server[0])
