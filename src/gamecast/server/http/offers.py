"""Reading the SDP offer of a WHIP or WHEP request."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gamecast.server.http.problems import problem

MAX_OFFER = 128 * 1024
MAX_SOFTWARE = 120
"""Characters of a ``User-Agent`` that are kept."""
SDP = "application/sdp"


async def read_offer(request: Request) -> str | Response:
    """The offer, or the answer to a request that brings none."""
    if request.method != "POST":
        return problem(405, "", headers={"allow": "POST, OPTIONS", "accept-post": SDP})
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SDP:
        return problem(415, f"the offer has to be {SDP}", headers={"accept-post": SDP})
    return await read_body(request, MAX_OFFER)


async def read_body(request: Request, most: int) -> str | Response:
    """A request's text, or the answer to one that is too long."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                return problem(413, f"more than {most} bytes")
    except ClientDisconnect:
        return ""
    return body.decode("utf-8", "replace")
