"""Reading the SDP offer of a WHIP or WHEP request."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

MAX_OFFER = 128 * 1024
SDP = "application/sdp"


class OfferTooLarge(ValueError):
    """More than :data:`MAX_OFFER` bytes."""


async def read_offer(request: Request) -> str | None:
    """The body; ``None`` if it does not say that it is SDP. Raises :class:`OfferTooLarge`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SDP:
        return None
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_OFFER:
                raise OfferTooLarge(f"an offer of more than {MAX_OFFER} bytes")
    except ClientDisconnect:
        return ""
    return body.decode("utf-8", "replace")
