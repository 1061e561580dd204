"""The root ASGI application: media, live feeds and pages first, the API behind them."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gamecast.server.http.live import LiveFeeds
from gamecast.server.http.media import PREFIX, MediaApp
from gamecast.server.http.pages import Pages
from gamecast.server.http.problems import problem
from gamecast.store.names import is_valid_name

_STREAM_FEED = re.compile(r"/api/v1/streams/([^/]+)/live")
_ASSETS = "/assets"
_VENDOR = "/assets/vendor"


class RootApp:
    """Chooses by path. What is asked for most is tested first."""

    def __init__(self, *, media: MediaApp, feeds: LiveFeeds, pages: Pages, api: ASGIApp) -> None:
        self._media = media
        self._feeds = feeds
        self._pages = pages
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        path: str = scope["path"]
        if path.startswith(PREFIX):
            await self._media(scope, receive, send)
        elif path == "/whip":
            await self._media.whip(scope, receive, send)
        elif path.startswith(_VENDOR):
            await self._pages.vendor(_below(scope, _VENDOR), receive, send)
        elif path.startswith(_ASSETS):
            await self._pages.assets(_below(scope, _ASSETS), receive, send)
        elif not await self._page_or_feed(path, scope, receive, send):
            await self._api(scope, receive, send)

    async def _page_or_feed(self, path: str, scope: Scope, receive: Receive, send: Send) -> bool:
        if scope["method"] not in ("GET", "HEAD"):
            return False
        feed = _STREAM_FEED.fullmatch(path)
        if path == "/api/v1/live" or feed is not None:
            await self._feed(feed[1] if feed is not None else None, scope, receive, send)
            return True
        page = _page_of(path)
        if page is None:
            return False
        await self._pages.page(page, Request(scope, receive))(scope, receive, send)
        return True

    async def _feed(self, name: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await problem(405, "", headers={"allow": "GET"})(scope, receive, send)
        elif name is None:
            self._feeds.serve_all(scope)
        elif is_valid_name(name):
            self._feeds.serve_stream(scope, name)
        else:
            await problem(404, "not a channel name", code="no_such_channel")(scope, receive, send)


def _page_of(path: str) -> str | None:
    if path == "/":
        return "index"
    if path == "/studio":
        return "studio"
    if path.startswith("/embed/"):
        return "embed" if is_valid_name(path.removeprefix("/embed/")) else None
    return "watch" if is_valid_name(path.removeprefix("/")) else None


def _below(scope: Scope, prefix: str) -> Scope:
    """The scope as a mounted application sees it (ASGI: ``root_path``)."""
    return {**scope, "root_path": scope.get("root_path", "") + prefix}
