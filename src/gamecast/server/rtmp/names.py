"""What an RTMP URL names: a channel, a key, or both (CONTRACT, "Ports and URLs")."""

from __future__ import annotations

from collections.abc import Mapping

APPLICATION = "live"


def requested(
    app: str, name: str, query: Mapping[str, str], *, names_only: bool = False
) -> tuple[str | None, str | None]:
    """Channel name and key from ``rtmp://host/<app>/<name>?<query>``; ``None`` for what is absent.

    ``live`` + ``KEY`` is a key alone; ``live`` + ``name?key=KEY`` is both; ``live/name`` + ``KEY``
    too, as people type the channel into OBS's server field. A lone word may be a name as well when
    publishing is open: the authenticator decides. ``names_only`` (players): it is a name.
    """
    key = query.get("key") or query.get("token") or None
    segments = [segment for segment in [*app.split("/"), *name.split("/")] if segment]
    if segments and segments[0] == APPLICATION:
        segments = segments[1:]
    if not segments:
        return None, key
    if len(segments) == 1:
        if key is not None or names_only:
            return segments[0], key
        return None, segments[0]
    return segments[0], key or segments[1]
