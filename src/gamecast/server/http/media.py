"""Everything below ``/live/``: plain ASGI, so that no framework stands between viewer and bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gamecast.media.track import Track
from gamecast.relay.directory import Directory
from gamecast.server.http import websocket
from gamecast.server.http.flow import FORMATS, FlowRoutes
from gamecast.server.http.hls import HlsRoutes
from gamecast.server.http.problems import not_on_air, problem
from gamecast.server.http.whep import WhepRoutes
from gamecast.server.http.whip import WhipRoutes

MayPlay = Callable[[str, Request], Awaitable[Response | None]]
"""Decides whether a request may watch a channel: ``None`` if so, else the refusal."""

Poster = Callable[[str], Awaitable[bytes | None]]
"""A JPEG of what is on air, if there is one."""

PREFIX = "/live/"


@dataclass(slots=True, frozen=True)
class Routes:
    """What answers below a stream's name."""

    flow: FlowRoutes
    hls: HlsRoutes
    whep: WhepRoutes
    whip: WhipRoutes


class MediaApp:
    """Routes ``/live/<name>.<format>`` and ``/live/<name>/<file>``."""

    def __init__(
        self,
        directory: Directory,
        *,
        routes: Routes,
        may_play: MayPlay,
        poster: Poster,
        allow_origin: str,
    ) -> None:
        self._directory = directory
        self._hls = routes.hls
        self._whep = routes.whep
        self._whip = routes.whip
        self._flow = routes.flow
        self._may_play = may_play
        self._poster = poster
        self._allow_origin = allow_origin
        self._cors = cors_headers(allow_origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry for HTTP requests whose path starts with :data:`PREFIX`."""
        request = Request(scope, receive)
        response = await self._answer(request, scope)
        await self._send(response, scope, receive, send)

    async def whip(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``/whip``: publish where the key says."""
        request = Request(scope, receive)
        response = (
            await self._options(request, None, "whip")
            if request.method == "OPTIONS"
            else await self._whip.answer(request, None)
        )
        await self._send(response, scope, receive, send)

    async def _send(
        self, response: Response | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if response is not None:
            for name, value in self._cors.items():
                response.headers.setdefault(name, value)
            await response(scope, receive, send)

    async def _answer(self, request: Request, scope: Scope) -> Response | None:
        name, _, file = scope["path"].removeprefix(PREFIX).partition("/")
        if request.method == "OPTIONS":
            return await self._options(request, name, file)
        for resources in (self._whep.resources, self._whip.resources):
            if resources.names(file):
                return await resources.answer(request, file)
        if file == "whip":
            return await self._whip.answer(request, name)
        if file == "whep":
            return await self._play_webrtc(request, name)
        if request.method not in ("GET", "HEAD"):
            return problem(405, "", headers={"allow": "GET, HEAD, OPTIONS"})
        if file:
            return await self._file(request, name, file)
        name, _, extension = name.rpartition(".")
        format = FORMATS.get(extension)
        if format is None:
            return problem(404, "no such format", code="no_such_format")
        refusal = self._refuse_foreign(request) or await self._may_play(name, request)
        if refusal is not None:
            return refusal
        stream = self._directory.get(name)
        if stream is None:
            return not_on_air(name)
        missing = format.missing(stream.main_tracks)
        if missing is not None:
            return _not_carried(missing, extension)
        return await self._flow.serve(scope, stream=stream, format=format, headers=self._cors)

    async def _options(self, request: Request, name: str | None, file: str) -> Response:
        """Preflights are answered alike everywhere (they bring no credentials); what WebRTC
        clients ask by themselves is told more (RFC 9725 section 4.6)."""
        if "access-control-request-method" not in request.headers:
            if file == "whip":
                return await self._whip.options(request, name)
            if file == "whep" and name is not None:
                may_play = await self._may_play(name, request) is None
                return self._whep.resources.options(with_servers=may_play)
        return Response(status_code=204, headers={"access-control-max-age": "86400"})

    def _refuse_foreign(self, request: Request) -> Response | None:
        """403 for a WebSocket from a page of an origin that may not read our answers.

        For HTTP browsers enforce that; a WebSocket's server has to look (RFC 6455 section 10.2).
        """
        origin = request.headers.get("origin")
        if origin is None or not websocket.wanted(request.scope["headers"]):
            return None
        own = urlsplit(origin).netloc == request.headers.get("host")
        if own or self._allow_origin in ("*", origin):
            return None
        return problem(403, "not for pages of this origin", code="foreign_origin")

    async def _play_webrtc(self, request: Request, name: str) -> Response:
        refusal = await self._may_play(name, request)
        if refusal is not None:
            return refusal
        stream = self._directory.get(name)
        return await self._whep.answer(request, stream) if stream is not None else not_on_air(name)

    async def _file(self, request: Request, name: str, file: str) -> Response:
        if not self._hls.is_media(file):
            refusal = await self._may_play(name, request)
            if refusal is not None:
                return refusal
        if file == "poster.jpg":
            return await self._picture(name)
        stream = self._directory.get(name)
        if stream is None:
            return await self._hls.answer_after_the_end(request, name, file) or not_on_air(name)
        answer = await self._hls.answer(request, stream, file)
        return answer or problem(404, "no such file", code="no_such_file")

    async def _picture(self, name: str) -> Response:
        data = await self._poster(name)
        if data is None:
            return problem(404, "no picture", code="no_poster")
        return Response(data, media_type="image/jpeg", headers={"cache-control": "max-age=5"})


def _not_carried(track: Track, extension: str) -> Response:
    """406: what would come is a stream without its picture, or none at all."""
    detail = f".{extension} cannot carry {track.codec.value}; WebRTC (WHEP), HLS and .mp4 can"
    return problem(406, detail, code="codec_not_carried")


def cors_headers(allow_origin: str) -> dict[str, str]:
    """What lets pages of other origins play."""
    if not allow_origin:
        return {}
    headers = {
        "access-control-allow-origin": allow_origin,
        "access-control-allow-methods": "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
        "access-control-allow-headers": "authorization, content-type, if-match, range",
        "cross-origin-resource-policy": "cross-origin",
    }
    if allow_origin != "*":
        headers["vary"] = "origin"
    return headers
