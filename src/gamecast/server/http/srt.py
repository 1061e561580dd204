"""``GET /api/v1/srt``: every SRT connection with libsrt's statistics (administrators)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from gamecast.server.auth import Authenticator
from gamecast.server.auth_answers import Refusal
from gamecast.server.http.api import bearer, refusal_problem
from gamecast.server.srt.session import LinkReport


def srt_routes(links: Callable[[], list[LinkReport]], authenticator: Authenticator) -> APIRouter:
    """Routes to be mounted under ``/api/v1``."""
    router = APIRouter(tags=["operation"])

    @router.get("/srt", response_model=None)
    async def list_links(request: Request) -> dict[str, Any] | Response:
        """Who publishes and plays over SRT, and how the network treats them."""
        address = request.client.host if request.client else ""
        answer = await authenticator.authorize_admin(token=bearer(request), address=address)
        if isinstance(answer, Refusal):
            return refusal_problem(answer)
        return {"items": [_describe(link) for link in links()]}

    return router


def _describe(link: LinkReport) -> dict[str, Any]:
    values = link.statistics.as_dict()
    return {
        "role": link.role,
        "stream": link.channel,
        "address": link.address,
        "encrypted": link.encrypted,
        "statistics": {name: round(value, 3) for name, value in values.items()},
    }
