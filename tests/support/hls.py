"""Reading playlists the plain way, before a player that knows only segments can start."""

from __future__ import annotations

from urllib.parse import urljoin

from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer


def playlist(server: GamecastServer, path: str) -> list[str]:
    """The lines of a playlist, or none where there is no playlist yet."""
    status, body = server.get(path)
    return body.decode("utf-8").splitlines() if status == 200 else []


def media_playlists(server: GamecastServer, name: str) -> list[str]:
    """The paths of the media playlists that a stream's multivariant playlist names."""
    index = f"/live/{name}/index.m3u8"
    lines = playlist(server, index)
    return [urljoin(index, line) for line in lines if line and not line.startswith("#")]


def wait_for_segments(server: GamecastServer, name: str, count: int = 1) -> str:
    """Wait until each media playlist lists ``count`` whole segments; return the first's path."""

    def probe() -> str | None:
        found = media_playlists(server, name)
        whole = [
            sum(line.startswith("#EXTINF") for line in playlist(server, path)) >= count
            for path in found
        ]
        return found[0] if whole and all(whole) else None

    return wait_until(probe, f"{count} segments of {name}", within=20)
