"""HLS without the application: what nearly all requests of LL-HLS players ask for.

A player asks three times a second for the playlist with its next part (RFC 8216bis section 6.2.5.2)
and for that part. Both are the same bytes for everybody; so all that is left per request is to find
them, or to wait in the rendition's room until they are made. What is not plain (another query, a
range, a mistake, credentials that have not been checked) goes to the application.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from gamecast.relay.directory import Directory
from gamecast.server.hls import HlsRendition, find_hls
from gamecast.server.http.answers import Answer, Give, Headers, Pending
from gamecast.server.http.hls import PIECE, late_answer, piece_answer, reload_answer

_PREFIX = b"/live/"
_SPECIAL = frozenset(
    [b"range", b"connection", b"expect", b"upgrade", b"transfer-encoding", b"content-length"]
)
_SPECIAL_TO_PLAYLISTS = _SPECIAL | {b"authorization"}
"""Headers of requests that are not answered here. Whoever knows a piece's name may have it."""

_RELOAD = re.compile(
    r"media\.m3u8\?(?:(?:token|key)=(?P<credential>[\w.~-]{1,200})&)?_HLS_msn=(?P<msn>\d{1,12})"
    r"(?:&_HLS_part=(?P<part>\d{1,12}))?(?:&_HLS_skip=(?P<skip>YES|v2))?",
    re.ASCII,
)


class MayPlay(Protocol):
    """Whether this credential is known to open that channel; ``False`` to let somebody look."""

    def __call__(self, *, name: str, credential: str | None) -> bool: ...


class ReadyHls:
    """Finds the answers to GETs for pieces and blocking reloads of streams that are on air."""

    def __init__(
        self, directory: Directory, *, headers: Mapping[str, str], may_play: MayPlay
    ) -> None:
        """``headers`` go into every answer (CORS)."""
        self._directory = directory
        self._headers = headers
        self._may_play = may_play

    def find(self, url: bytes, headers: Headers, address: str) -> Answer | Pending | None:
        """The answer, or a place to wait for it; ``None`` to ask the application."""
        if not url.startswith(_PREFIX):
            return None
        name, _, file = url[len(_PREFIX) :].decode("latin-1").partition("/")
        stream = self._directory.get(name)
        rendition = find_hls(stream) if stream is not None else None
        if rendition is None:
            return None
        if (match := PIECE.fullmatch(file)) is not None:
            special, find = _SPECIAL, self._find_piece
        elif (match := _RELOAD.fullmatch(file)) is not None:
            special, find = _SPECIAL_TO_PLAYLISTS, self._find_reload
            if not self._may_play(name=name, credential=match["credential"]):
                return None
        else:
            return None
        who = _player(headers, special)
        found = find(rendition, match) if who is not None else None
        if found is not None:
            rendition.seen(hash((address, who)))
        return found

    def _find_piece(self, rendition: HlsRendition, match: re.Match[str]) -> Answer | Pending | None:
        if match["msn"] is None or rendition.epoch != match["epoch"]:
            return None
        msn, part = int(match["msn"]), int(match["part"]) if match["part"] else None
        if rendition.piece(msn, part) is not None:
            return self._piece(rendition, msn, part)
        if part is None or (msn, part) != rendition.packager.position:
            return None
        # The preload hint. If its segment ends without it, or time is up, it is a 404.
        return _Waiting(rendition, msn, part, lambda _: self._piece(rendition, msn, part))

    def _find_reload(
        self, rendition: HlsRendition, match: re.Match[str]
    ) -> Answer | Pending | None:
        packager = rendition.packager
        msn, part = int(match["msn"]), int(match["part"] or 0)
        if not packager.playable or msn > packager.position[0] + 1:
            return None
        answer = partial(self._reload, rendition, match["skip"] is not None)
        if packager.reached(msn, part):
            return answer(True)
        return _Waiting(rendition, msn, part, answer)

    def _piece(self, rendition: HlsRendition, msn: int, part: int | None) -> Answer:
        def make() -> Answer:
            return Answer(piece_answer(rendition.piece(msn, part)), self._headers)

        return rendition.once(("piece", msn, part), make)

    def _reload(self, rendition: HlsRendition, skip: bool, in_time: bool) -> Answer:
        def make() -> Answer:
            answer = reload_answer(rendition, skip=skip) if in_time else late_answer()
            return Answer(answer, self._headers)

        return rendition.once(("reload", skip, in_time), make)


class _Waiting:
    """One request in the waiting room of a rendition."""

    __slots__ = ("_answer", "_give", "_msn", "_part", "_rendition")

    def __init__(
        self, rendition: HlsRendition, msn: int, part: int, answer: Callable[[bool], Answer]
    ) -> None:
        """``answer`` is asked when the part has come (``True``) or has not come in time."""
        self._rendition = rendition
        self._msn = msn
        self._part = part
        self._answer = answer

    def start(self, give: Give) -> None:
        """Go in."""
        self._give = give
        rendition = self._rendition
        rendition.waiting.enter(self._msn, self._part, self._told, patience=rendition.patience)

    def stop(self) -> None:
        """Go away."""
        self._rendition.waiting.leave(self._msn, self._part, self._told)

    def _told(self, in_time: bool) -> None:
        self._give(self._answer(in_time))


def _player(headers: Headers, special: frozenset[bytes]) -> str | None:
    """The user agent of a plain request; ``None`` if it has what changes the answer."""
    hosts, agent = 0, ""
    for name, value in headers:
        if name in special and not (name == b"connection" and value.lower() == b"keep-alive"):
            return None
        if name == b"host":
            hosts += 1
        elif name == b"user-agent":
            agent = value.decode("latin-1")
    return agent if hosts == 1 else None
