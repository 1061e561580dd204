"""WHEP over HTTP: ``POST`` an offer, get an answer and a resource to ``DELETE``.

draft-ietf-wish-whep, with the resource handling of RFC 9725.
"""

from __future__ import annotations

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.session import Session
from gamecast.relay.stream import Stream
from gamecast.server.http.offers import SDP, OfferTooLarge, read_offer
from gamecast.server.http.problems import problem
from gamecast.server.webrtc.whep import NotPlayable, TooMany, WhepService

_RESOURCE = re.compile(r"whep/([A-Za-z0-9_-]{16,64})")


class WhepRoutes:
    """Answers ``/live/<name>/whep`` and the resources below it."""

    def __init__(self, service: WhepService, *, ice_servers: list[str]) -> None:
        """``ice_servers`` are values of ``Link`` headers with ``rel="ice-server"``."""
        self._service = service
        self._ice_servers = ice_servers
        self._sessions: dict[str, Session] = {}

    def takes(self, file: str) -> bool:
        """Whether a path below ``/live/<name>/`` is one of ours."""
        return file == "whep" or _RESOURCE.fullmatch(file) is not None

    async def answer(self, request: Request, stream: Stream | None, file: str) -> Response:
        """The response; ``stream`` is ``None`` only for resources of streams that have ended."""
        match = _RESOURCE.fullmatch(file)
        if match is not None:
            return await self._resource(request, match[1])
        if request.method != "POST" or stream is None:
            return problem(405, "", headers={"allow": "POST, OPTIONS", "accept-post": SDP})
        try:
            offer = await read_offer(request)
        except OfferTooLarge as error:
            return problem(413, str(error))
        if offer is None:
            return problem(415, f"the offer has to be {SDP}", headers={"accept-post": SDP})
        return await self._start(request, stream, offer)

    async def _start(self, request: Request, stream: Stream, offer: str) -> Response:
        server = request.scope.get("server") or ("127.0.0.1", 0)
        try:
            started = await self._service.start(
                offer,
                stream,
                reached_at=server[0],
                address=request.client.host if request.client else "",
            )
        except WebRtcError as error:
            return problem(400, str(error), code="bad_offer")
        except NotPlayable as error:
            return problem(406, str(error), code="not_playable")
        except TooMany:
            return problem(503, "too many sessions", headers={"retry-after": "5"})
        name = secrets.token_urlsafe(18)
        self._forget_ended()
        self._sessions[name] = started.session
        response = Response(
            started.answer,
            status_code=201,
            media_type=SDP,
            headers={
                "location": f"/live/{stream.name}/whep/{name}",
                "etag": f'"{name[:8]}"',
                "cache-control": "no-store",
                "access-control-expose-headers": "location, link, etag",
            },
        )
        for server_link in self._ice_servers:
            response.headers.append("link", server_link)
        return response

    async def _resource(self, request: Request, name: str) -> Response:
        session = self._sessions.get(name)
        if session is None or session.closed_reason is not None:
            self._sessions.pop(name, None)
            return problem(404, "no such session", code="no_such_session")
        if request.method == "DELETE":
            del self._sessions[name]
            self._service.endpoint.end(session, "the viewer left")
            return Response(status_code=200)
        if request.method == "PATCH":
            # Trickled candidates need nothing of an ICE-lite agent: checks tell it the address.
            return Response(status_code=204)
        return problem(405, "", headers={"allow": "PATCH, DELETE, OPTIONS"})

    def _forget_ended(self) -> None:
        if len(self._sessions) % 64 == 63:
            ended = [n for n, s in self._sessions.items() if s.closed_reason is not None]
            for name in ended:
                del self._sessions[name]
