"""WHIP over HTTP: ``POST`` an offer with a key, get an answer and a resource (RFC 9725)."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.relay.directory import Busy
from gamecast.server.auth import Authenticator
from gamecast.server.auth_answers import Grant, Refusal
from gamecast.server.http.api import bearer, refusal_problem
from gamecast.server.http.ice_servers import IceServers
from gamecast.server.http.offers import MAX_SOFTWARE, read_offer
from gamecast.server.http.problems import problem
from gamecast.server.http.resources import SessionResources, reached_at
from gamecast.server.webrtc.endpoint import TooMany
from gamecast.server.webrtc.whip import WhipService


class WhipRoutes:
    """Answers ``/live/<name>/whip`` and ``/whip``, and the resources below the first."""

    def __init__(
        self, service: WhipService, authenticator: Authenticator, *, ice_servers: IceServers
    ) -> None:
        self._service = service
        self._authenticator = authenticator
        self.resources = SessionResources("whip", service.endpoint, ice_servers=ice_servers)

    async def answer(self, request: Request, name: str | None) -> Response:
        """An offer to publish; ``name`` is ``None`` where the key alone names the channel."""
        offer = await read_offer(request)
        if isinstance(offer, Response):
            return offer
        address = request.client.host if request.client else ""
        grant = await self._grant(request, name)
        if isinstance(grant, Refusal):
            return refusal_problem(grant)
        return self._start(request, offer, grant, address)

    async def options(self, request: Request, name: str | None) -> Response:
        """What publishers ask before they offer; with a key they are told the ICE servers."""
        grant = await self._grant(request, name) if bearer(request) else None
        return self.resources.options(with_servers=isinstance(grant, Grant))

    async def _grant(self, request: Request, name: str | None) -> Grant | Refusal:
        return await self._authenticator.authorize_publish(
            name=name,
            key=bearer(request),
            address=request.client.host if request.client else "",
        )

    def _start(self, request: Request, offer: str, grant: Grant, address: str) -> Response:
        try:
            started = self._service.start(
                offer,
                grant,
                reached_at=reached_at(request),
                address=address,
                software=request.headers.get("user-agent", "")[:MAX_SOFTWARE],
                now=asyncio.get_running_loop().time(),
            )
        except WebRtcError as error:
            return problem(400, str(error), code="bad_offer")
        except Busy:
            return problem(409, "another publisher is on air", code="busy")
        except TooMany:
            return problem(503, "too many sessions", headers={"retry-after": "5"})
        return self.resources.created(
            grant.channel, started.session, started.answer, end=started.publisher.leave
        )
