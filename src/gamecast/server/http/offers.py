"""Reading the SDP offer of a WHIP or WHEP request."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gamecast.server.http.problems import problem

MAX_OFFER = 128 * 1024
SDP = "application/sdp"


async def read_offer(request: Request) -> str | Response:
    """The offer, or the answer to a request that brings none."""
    if request.method != "POST":
        return problem(405, "", headers={"allow": "POST, OPTIONS", "accept-post": SDP})
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SDP:
        return problem(415, f"the offer has to be {SDP}", headers={"accept-post": SDP})
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_OFFER:
                return problem(413, f"an offer of more than {MAX_OFFER} bytes")
    except ClientDisconnect:
        return ""
    return body.decode("utf-8", "replace")
