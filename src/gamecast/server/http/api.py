"""The API under ``/api/v1``, health and metrics (CONTRACT, "API")."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gamecast import __version__
from gamecast.relay.directory import Directory
from gamecast.server.auth import Authenticator
from gamecast.server.auth_answers import Reason, Refusal
from gamecast.server.http.api_page import add_api_page
from gamecast.server.http.peers import describe_publisher, describe_viewers
from gamecast.server.http.problems import described, not_on_air, problem
from gamecast.server.http.views import describe_stream
from gamecast.server.metrics import Metrics

_STATUS = {
    Reason.MISSING: 401,
    Reason.DENIED: 403,
    Reason.INVALID_NAME: 400,
    Reason.THROTTLED: 429,
    Reason.UNAVAILABLE: 503,
}
_REFUSALS = described(404, 422, *_STATUS.values())


def refusal_problem(refusal: Refusal) -> Response:
    """A refusal in HTTP's words."""
    status = _STATUS[refusal.reason]
    headers = {"www-authenticate": 'Bearer realm="gamecast"'} if status == 401 else {}
    if status in (429, 503):
        headers["retry-after"] = "5"
    return problem(status, f"access {refusal.reason.value}", code=refusal.reason, headers=headers)


def bearer(request: Request) -> str | None:
    """The bearer token of a request, if it has one (RFC 6750 section 2.1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def make_api(
    directory: Directory,
    authenticator: Authenticator,
    metrics: Metrics,
    *,
    metrics_from: Sequence[str] = (),
    more: Sequence[APIRouter] = (),
) -> FastAPI:
    """The application that answers everything that is neither media nor a page.

    ``metrics_from``: networks that may read the metrics; none: everybody. ``more``: routes of
    single protocols, under ``/api/v1`` too.
    """
    app = FastAPI(
        title="Gamecast",
        version=__version__,
        summary="Self-hosted live streaming for games.",
        docs_url=None,
        redoc_url=None,
    )
    add_api_page(app)
    for router in (_streams(directory, authenticator), *more):
        app.include_router(router, prefix="/api/v1", responses=_REFUSALS)

    @app.get("/healthz", tags=["operation"])
    async def health() -> dict[str, str]:
        """The process runs and answers."""
        return {"status": "ok"}

    _add_metrics(app, metrics, metrics_from)
    _add_problem_handlers(app)
    return app


def _add_metrics(app: FastAPI, metrics: Metrics, allowed: Sequence[str]) -> None:
    networks = [ipaddress.ip_network(each) for each in allowed]

    @app.get(
        "/metrics", tags=["operation"], response_class=Response, responses={403: _REFUSALS[403]}
    )
    async def prometheus(request: Request) -> Response:
        """Prometheus text format, for the addresses that may read it."""
        if networks and not _is_in(request.client.host if request.client else "", networks):
            return problem(403, "metrics are not for this address", code="denied")
        body, media_type = metrics.render()
        return Response(body, headers={"content-type": media_type, "cache-control": "no-store"})


def _is_in(host: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Whether a peer's address, which may be IPv4 in IPv6's clothes, is in one of them."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a local socket
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in networks)


def _add_problem_handlers(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def http_problem(request: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def validation_problem(request: Request, error: RequestValidationError) -> Response:
        where = ", ".join(".".join(str(part) for part in e["loc"]) for e in error.errors())
        return problem(422, f"not valid: {where}", code="not_valid")


def _streams(directory: Directory, authenticator: Authenticator) -> APIRouter:
    router = APIRouter(tags=["streams"])

    async def admin(request: Request) -> Response | None:
        address = request.client.host if request.client else ""
        answer = await authenticator.authorize_admin(token=bearer(request), address=address)
        return refusal_problem(answer) if isinstance(answer, Refusal) else None

    @router.get("/streams")
    async def list_streams() -> dict[str, Any]:
        """What is on air now."""
        return {"items": [describe_stream(stream) for stream in directory]}

    @router.get("/streams/{name}", response_model=None)
    async def get_stream(name: str) -> dict[str, Any] | Response:
        """One stream; 404 while it is not on air."""
        stream = directory.get(name)
        return describe_stream(stream) if stream is not None else not_on_air(name)

    @router.delete("/streams/{name}", response_model=None, status_code=204)
    async def end_stream(name: str, request: Request) -> Response:
        """End the publisher's session and the stream (administrators)."""
        refused = await admin(request)
        if refused is not None:
            return refused
        stream = directory.publishing(name)
        if stream is None:
            return not_on_air(name)
        stream.end("ended by an administrator")
        return Response(status_code=204)

    @router.get("/streams/{name}/viewers", response_model=None)
    async def list_viewers(name: str, request: Request) -> dict[str, Any] | Response:
        """Who watches (administrators): protocol, address, since, bytes, drops."""
        refused = await admin(request)
        if refused is not None:
            return refused
        stream = directory.get(name)
        return {"items": describe_viewers(stream)} if stream is not None else not_on_air(name)

    @router.get("/streams/{name}/publisher", response_model=None)
    async def get_publisher(name: str, request: Request) -> dict[str, Any] | Response:
        """Who publishes and how it arrives (administrators)."""
        refused = await admin(request)
        if refused is not None:
            return refused
        stream = directory.publishing(name)
        publisher = stream.publisher if stream is not None else None
        return describe_publisher(publisher) if publisher is not None else not_on_air(name)

    return router
