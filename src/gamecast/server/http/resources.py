"""WebRTC sessions as HTTP resources (RFC 9725 sections 4.1 to 4.4).

Made by an offer; ``PATCH`` brings trickled candidates or restarts ICE; ``DELETE`` ends. The entity
tag names the ICE session and changes when it is restarted.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.sdp_fragment import (
    MAX_LENGTH,
    SdpFragment,
    build_fragment,
    parse_fragment,
)
from gamecast.protocols.webrtc.session import Session
from gamecast.server.http.ice_servers import IceServers
from gamecast.server.http.offers import SDP, read_body
from gamecast.server.http.problems import problem
from gamecast.server.webrtc.endpoint import Endpoint

FRAGMENT = "application/trickle-ice-sdpfrag"
_ALLOW = "PATCH, DELETE, OPTIONS"
_EXPOSED = "location, link, etag, accept-patch"
_SWEEP_SECONDS = 10.0
"""A closed session is known for one to two of these: its client's ``DELETE`` may still come."""


@dataclass(slots=True)
class _Resource:
    session: Session
    end: Callable[[], None]
    seen_closed: bool = False


class SessionResources:
    """The sessions of one kind (``whep`` or ``whip``) by their unguessable names."""

    def __init__(self, kind: str, endpoint: Endpoint, *, ice_servers: IceServers) -> None:
        self._kind = kind
        self._endpoint = endpoint
        self._ice_servers = ice_servers
        self._path = re.compile(rf"{kind}/([A-Za-z0-9_-]{{16,64}})")
        self._resources: dict[str, _Resource] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._resources)

    def names(self, file: str) -> bool:
        """Whether a path is that of a resource."""
        return self._path.fullmatch(file) is not None

    def created(
        self, channel: str, session: Session, answer: str, *, end: Callable[[], None]
    ) -> Response:
        """201 with the answer and the new resource, whose ``DELETE`` calls ``end``."""
        name = secrets.token_urlsafe(18)
        self._resources[name] = _Resource(session, end)
        if self._sweeping is None:
            self._sweep_later()
        response = Response(
            answer,
            status_code=201,
            media_type=SDP,
            headers={
                "location": f"/live/{channel}/{self._kind}/{name}",
                "etag": _entity_tag(session),
                "accept-patch": FRAGMENT,
                "cache-control": "no-store",
                "access-control-expose-headers": _EXPOSED,
            },
        )
        self._ice_servers.add_to(response)
        return response

    def options(self, *, with_servers: bool) -> Response:
        """What the address for offers takes; the servers only for who may send one."""
        headers = {"accept-post": SDP, "access-control-expose-headers": "link, accept-post"}
        response = Response(status_code=204, headers=headers)
        if with_servers:
            self._ice_servers.add_to(response)
        return response

    async def answer(self, request: Request, file: str) -> Response:
        """A request to a resource. Its name is the credential."""
        match = self._path.fullmatch(file)
        name = match[1] if match is not None else ""
        resource = self._resources.get(name)
        if resource is None:
            return _unknown()
        if request.method == "DELETE":
            del self._resources[name]
            resource.end()
            return Response(status_code=200)
        if resource.session.closed_reason is not None:
            return _unknown()
        if request.method == "PATCH":
            return await self._patch(request, resource.session)
        return problem(405, "", headers={"allow": _ALLOW})

    async def _patch(self, request: Request, session: Session) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FRAGMENT:
            return problem(415, f"this takes {FRAGMENT}", headers={"accept-patch": FRAGMENT})
        wanted = request.headers.get("if-match", "").strip()
        if not wanted:
            return problem(428, "If-Match has to name the ICE session, or * to restart it")
        body = await read_body(request, MAX_LENGTH)
        if isinstance(body, Response):
            return body
        tags = [tag.strip() for tag in wanted.split(",")]
        if wanted != "*" and _entity_tag(session) not in tags:
            return problem(412, "another ICE session has begun", code="ice_restarted")
        try:
            fragment = parse_fragment(body)
        except WebRtcError as error:
            return problem(400, str(error), code="bad_fragment")
        if session.closed_reason is not None:
            return _unknown()
        if wanted == "*" and fragment.credentials.ufrag != session.remote_ufrag:
            return self._restart(session, fragment, reached_at(request))
        # Candidates need nothing of an ICE-lite agent, for checks tell it the address; those of
        # another ICE session than the present one are to be passed over anyway.
        return Response(status_code=204)

    def _restart(self, session: Session, fragment: SdpFragment, reached: str) -> Response:
        local = self._endpoint.restart_ice(session, fragment.credentials, reached_at=reached)
        return Response(
            build_fragment(
                local.credentials, local.candidates, mid=fragment.mid, kind=fragment.kind
            ),
            media_type=FRAGMENT,
            headers={
                "etag": _entity_tag(session),
                "cache-control": "no-store",
                "access-control-expose-headers": _EXPOSED,
            },
        )

    def _sweep_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        for name, resource in list(self._resources.items()):
            if resource.seen_closed:
                del self._resources[name]
            resource.seen_closed = resource.session.closed_reason is not None
        if self._resources:
            self._sweep_later()


def reached_at(request: Request) -> str:
    """The address of ours that a request came to."""
    server = request.scope.get("server") or ("127.0.0.1", 0)
    return str(server[0])


def _entity_tag(session: Session) -> str:
    return f'"{session.local_ufrag}"'


def _unknown() -> Response:
    return problem(404, "no such session", code="no_such_session")
