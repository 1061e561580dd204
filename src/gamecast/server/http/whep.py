"""WHEP over HTTP: ``POST`` an offer, get an answer and a resource to ``DELETE``.

draft-ietf-wish-whep, with the resource handling of RFC 9725.
"""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.relay.stream import Stream
from gamecast.server.http.ice_servers import IceServers
from gamecast.server.http.offers import MAX_SOFTWARE, read_offer
from gamecast.server.http.problems import problem
from gamecast.server.http.resources import SessionResources, reached_at
from gamecast.server.webrtc.endpoint import TooMany
from gamecast.server.webrtc.whep import NotPlayable, WhepService


class WhepRoutes:
    """Answers ``/live/<name>/whep`` and the resources below it."""

    def __init__(self, service: WhepService, *, ice_servers: IceServers) -> None:
        self._service = service
        self.resources = SessionResources("whep", service.endpoint, ice_servers=ice_servers)

    async def answer(self, request: Request, stream: Stream) -> Response:
        """An offer to watch a stream."""
        offer = await read_offer(request)
        if isinstance(offer, Response):
            return offer
        try:
            started = await self._service.start(
                offer,
                stream,
                reached_at=reached_at(request),
                address=request.client.host if request.client else "",
                software=request.headers.get("user-agent", "")[:MAX_SOFTWARE],
            )
        except WebRtcError as error:
            return problem(400, str(error), code="bad_offer")
        except NotPlayable as error:
            return problem(406, str(error), code="not_playable")
        except TooMany:
            return problem(503, "too many sessions", headers={"retry-after": "5"})
        end = partial(self._service.endpoint.end, started.session, "ended by its client")
        return self.resources.created(stream.name, started.session, started.answer, end=end)
