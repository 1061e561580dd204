"""LL-HLS over HTTP: playlists that wait, parts, segments. Cacheable by any CDN.

RFC 8216bis section 6.2.5 (blocking reload, delta updates) and appendix B.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gamecast.packaging.hls import HlsSettings
from gamecast.packaging.playlist import multivariant
from gamecast.relay.stream import Stream
from gamecast.server.convert import MakeConverter
from gamecast.server.hls import HlsRendition, find_hls, hls_outlet
from gamecast.server.http.problems import converter_late, problem
from gamecast.server.outlet import Outlet

MEDIA_PLAYLIST = "media.m3u8"
_PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
MEDIA_TYPE = "video/mp4"
_AFTER_THE_END_SECONDS = 60.0
"""A stream that is over stays readable this long: section 6.2.2 asks for the playlist's length."""
FOREVER = "public, max-age=3600, immutable"
PIECE = re.compile(
    r"(?P<epoch>[0-9a-f]{16})-(?:init(?P<init>\d{1,9})\.mp4|(?P<msn>\d{1,12})(?:\.(?P<part>\d{1,6}))?\.m4s)"
)


@dataclass(slots=True, frozen=True)
class Directives:
    """Delivery directives of a playlist request (section 6.2.5.1)."""

    msn: int | None = None
    part: int = 0
    skip: bool = False

    @classmethod
    def parse(cls, request: Request) -> Directives:
        """From the query; raises ``ValueError`` on what the section forbids."""
        query = request.query_params
        msn, part = query.get("_HLS_msn"), query.get("_HLS_part")
        if part is not None and msn is None:
            raise ValueError("_HLS_part without _HLS_msn")
        return cls(
            msn=_number(msn) if msn is not None else None,
            # A request without a part waits for the segment's first part: Safari sends it so, and
            # waiting for the whole segment would cost it a segment of delay.
            part=_number(part) if part is not None else 0,
            skip=query.get("_HLS_skip", "NO") in ("YES", "v2"),
        )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise ValueError(f"{text[:20]!r} is not a decimal integer")
    return int(text)


class HlsRoutes:
    """Answers everything below ``/live/<name>/`` that belongs to HLS."""

    def __init__(self, settings: HlsSettings, convert: MakeConverter | None) -> None:
        self._settings = settings
        self._convert = convert
        self._over: dict[str, HlsRendition] = {}

    @staticmethod
    def is_media(file: str) -> bool:
        """Whether this names a part, segment or initialisation segment.

        Their names hold 64 random bits that only a playlist tells, so whoever was given the
        playlist may have them: players and CDNs ask for them without the playlist's query.
        """
        return PIECE.fullmatch(file) is not None

    async def answer(self, request: Request, stream: Stream, file: str) -> Response | None:
        """The response, or ``None`` if ``file`` is not a name of ours."""
        if file in ("index.m3u8", "master.m3u8", MEDIA_PLAYLIST):
            return await self._playlist(request, stream, file)
        return await self._piece(request, find_hls(stream), file)

    async def answer_after_the_end(self, request: Request, name: str, file: str) -> Response | None:
        """For players that were reading: the playlist with ENDLIST and what it lists, for a while.

        ``None`` if there is nothing left of a stream of that name, or ``file`` is not part of it.
        """
        rendition = self._over.get(name)
        if rendition is None:
            return None
        if file == MEDIA_PLAYLIST:
            return await self._media(request, rendition)
        return await self._piece(request, rendition, file)

    async def _piece(
        self, request: Request, rendition: HlsRendition | None, file: str
    ) -> Response | None:
        match = PIECE.fullmatch(file)
        if match is None:
            return None
        if rendition is None or rendition.epoch != match["epoch"]:
            return _gone()
        self._seen(rendition, request)
        if match["init"] is not None:
            return piece_answer(rendition.packager.inits.get(int(match["init"])))
        if match["part"] is None:
            return piece_answer(rendition.piece(int(match["msn"])))
        return await self._part(rendition, int(match["msn"]), int(match["part"]))

    async def _playlist(self, request: Request, stream: Stream, file: str) -> Response:
        """Either playlist; asking for the index already starts what makes the pieces."""
        outlet = hls_outlet(
            stream,
            self._settings,
            convert=self._convert,
            on_finish=lambda rendition: self._keep(stream.name, rendition),
        )
        async with outlet.awaited() as rendition:
            if rendition is None:
                return converter_late()
            self._seen(rendition, request)
            if file == MEDIA_PLAYLIST:
                return await self._media(request, rendition)
            return _index(request, outlet, rendition)

    def _keep(self, name: str, rendition: HlsRendition) -> None:
        self._over[name] = rendition
        asyncio.get_running_loop().call_later(_AFTER_THE_END_SECONDS, self._forget, name, rendition)

    def _forget(self, name: str, rendition: HlsRendition) -> None:
        if self._over.get(name) is rendition:
            del self._over[name]

    @staticmethod
    def _seen(rendition: HlsRendition, request: Request) -> None:
        address = request.client.host if request.client else ""
        rendition.seen(hash((address, request.headers.get("user-agent", ""))))

    async def _media(self, request: Request, rendition: HlsRendition) -> Response:
        try:
            directives = Directives.parse(request)
        except ValueError as error:
            return problem(400, str(error), code="bad_directive")
        packager = rendition.packager
        if not await rendition.playable():
            return problem(503, "no media yet", headers={"retry-after": "1"})
        if directives.msn is None:
            return _playlist(rendition, skip=directives.skip, cache="max-age=1")
        if directives.msn > packager.position[0] + 1 and not packager.ended:
            return problem(400, "_HLS_msn is too far ahead", code="bad_directive")
        if not await rendition.reach(directives.msn, directives.part):
            return late_answer()
        return reload_answer(rendition, skip=directives.skip)

    async def _part(self, rendition: HlsRendition, msn: int, part: int) -> Response:
        packager = rendition.packager
        if (msn, part) == packager.position:  # the preload hint: answer when it exists
            await rendition.reach(msn, part)
        return piece_answer(rendition.piece(msn, part))


def _index(request: Request, outlet: Outlet[HlsRendition], rendition: HlsRendition) -> Response:
    """The multivariant playlist, of what players get: that may be converted."""
    bitrate = outlet.source.bitrate
    text = multivariant(
        rendition.packager.tracks,
        bandwidth=max(rendition.packager.peak_bitrate, bitrate),
        average=bitrate,
        media_uri=MEDIA_PLAYLIST + _credential(request),
    )
    return Response(text, media_type=_PLAYLIST_TYPE, headers={"cache-control": "max-age=2"})


def _credential(request: Request) -> str:
    """The query by which the media playlist is allowed like the index: players add no header."""
    given = {name: request.query_params.get(name) for name in ("token", "key")}
    carried = {name: value for name, value in given.items() if value}
    return f"?{urlencode(carried)}" if carried else ""


def reload_answer(rendition: HlsRendition, *, skip: bool) -> Response:
    """The playlist to a request with directives whose part is there.

    Such a request names one state of the playlist, so that any number of players behind a CDN cost
    one request here.
    """
    cache = f"public, max-age={6 * rendition.packager.target_duration}"
    return _playlist(rendition, skip=skip, cache=cache)


def late_answer() -> Response:
    """To a reload whose part did not come in time."""
    return problem(503, "no new media", headers={"retry-after": "1"})


def piece_answer(data: bytes | None) -> Response:
    """A part, a segment or an initialisation segment, if it exists."""
    if data is None:
        return _gone()
    return Response(data, media_type=MEDIA_TYPE, headers={"cache-control": FOREVER})


def _playlist(rendition: HlsRendition, *, skip: bool, cache: str) -> Response:
    body = rendition.playlist.render(skip=skip)
    return Response(body, media_type=_PLAYLIST_TYPE, headers={"cache-control": cache})


def _gone() -> Response:
    return problem(404, "no such segment, or no longer", code="no_such_segment")
