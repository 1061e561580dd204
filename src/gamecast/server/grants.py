"""Publishers on air keep their leave only as long as it holds, whatever their protocol."""

from __future__ import annotations

from gamecast.server.auth_answers import Grant
from gamecast.server.context import Context


async def end_revoked(context: Context) -> None:
    """End the streams of publishers whose key has been revoked or whose channel is gone."""
    for stream in context.directory.all():
        publisher = stream.publisher
        grant = getattr(publisher, "grant", None)
        if not isinstance(grant, Grant) or await context.authenticator.still_valid(grant):
            continue
        if stream.publisher is publisher:  # and not one that took over while we asked
            stream.end("the publisher's key was revoked")
