"""WHIP over HTTP: ``POST`` an offer with a key, get an answer and a resource (RFC 9725)."""

from __future__ import annotations

import asyncio
import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.session import Session
from gamecast.relay.directory import Busy
from gamecast.server.auth import Authenticator
from gamecast.server.auth_answers import Grant, Refusal
from gamecast.server.http.api import bearer, refusal_problem
from gamecast.server.http.offers import SDP, OfferTooLarge, read_offer
from gamecast.server.http.problems import problem
from gamecast.server.webrtc.whep import TooMany
from gamecast.server.webrtc.whip import WhipService

_RESOURCE = re.compile(r"whip/([A-Za-z0-9_-]{16,64})")
_MOST_RESOURCES = 4096


class WhipRoutes:
    """Answers ``/live/<name>/whip`` and ``/whip``, and the resources below the first."""

    def __init__(
        self, service: WhipService, authenticator: Authenticator, *, ice_servers: list[str]
    ) -> None:
        self._service = service
        self._authenticator = authenticator
        self._ice_servers = ice_servers
        self._sessions: dict[str, Session] = {}

    def takes(self, file: str) -> bool:
        """Whether a path below ``/live/<name>/`` is one of ours."""
        return file == "whip" or _RESOURCE.fullmatch(file) is not None

    async def answer(self, request: Request, name: str | None, file: str) -> Response:
        """The response; ``name`` is ``None`` where the key alone names the channel."""
        match = _RESOURCE.fullmatch(file)
        if match is not None:
            return self._resource(request, match[1])
        if request.method != "POST":
            return problem(405, "", headers={"allow": "POST, OPTIONS", "accept-post": SDP})
        try:
            offer = await read_offer(request)
        except OfferTooLarge as error:
            return problem(413, str(error))
        if offer is None:
            return problem(415, f"the offer has to be {SDP}", headers={"accept-post": SDP})
        address = request.client.host if request.client else ""
        grant = await self._authenticator.authorize_publish(
            name=name, key=bearer(request), address=address
        )
        if isinstance(grant, Refusal):
            return refusal_problem(grant)
        return self._start(request, offer, grant, address)

    def _start(self, request: Request, offer: str, grant: Grant, address: str) -> Response:
        server = request.scope.get("server") or ("127.0.0.1", 0)
        try:
            started = self._service.start(
                offer,
                grant,
                reached_at=server[0],
                address=address,
                software=request.headers.get("user-agent", "")[:120],
                now=asyncio.get_running_loop().time(),
            )
        except WebRtcError as error:
            return problem(400, str(error), code="bad_offer")
        except Busy:
            return problem(409, "another publisher is on air", code="busy")
        except TooMany:
            return problem(503, "too many sessions", headers={"retry-after": "5"})
        name = self._keep(started.session)
        response = Response(
            started.answer,
            status_code=201,
            media_type=SDP,
            headers={
                "location": f"/live/{grant.channel}/whip/{name}",
                "etag": f'"{name[:8]}"',
                "cache-control": "no-store",
                "access-control-expose-headers": "location, link, etag",
            },
        )
        for link in self._ice_servers:
            response.headers.append("link", link)
        return response

    def _keep(self, session: Session) -> str:
        if len(self._sessions) >= _MOST_RESOURCES:
            ended = [n for n, s in self._sessions.items() if s.closed_reason is not None]
            for each in ended:
                del self._sessions[each]
        name = secrets.token_urlsafe(18)
        self._sessions[name] = session
        return name

    def _resource(self, request: Request, name: str) -> Response:
        session = self._sessions.get(name)
        if session is None or session.closed_reason is not None:
            self._sessions.pop(name, None)
            return problem(404, "no such session", code="no_such_session")
        if request.method == "DELETE":
            del self._sessions[name]
            self._service.endpoint.end(session, "the publisher stopped")
            return Response(status_code=200)
        if request.method == "PATCH":
            # Trickled candidates need nothing of an ICE-lite agent: checks tell it the address.
            return Response(status_code=204)
        return problem(405, "", headers={"allow": "PATCH, DELETE, OPTIONS"})
