"""The web pages and their files: static, with a strict content security policy."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import gamecast
from gamecast.server.http.problems import problem

LANGUAGES = ("en", "zh-CN")

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
)
_HTML_LANG = re.compile(rb'<html lang="[^"]*"')


def page_headers(*, embeddable: bool) -> dict[str, str]:
    """Security headers of a page. Only the bare player may be framed by other sites."""
    ancestors = "*" if embeddable else "'none'"
    return {
        "content-security-policy": f"{_POLICY}; frame-ancestors {ancestors}",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cache-control": "no-cache",
        "vary": "accept-language",
    }


def preferred_language(accept: str) -> str:
    """The best of :data:`LANGUAGES` for an Accept-Language header (RFC 9110 section 12.5.4)."""
    ranked = []
    for position, item in enumerate(accept.split(",")[:20]):
        tag, _, parameters = item.strip().partition(";")
        quality = _quality(parameters)
        if tag and quality:
            ranked.append((-quality, position, tag.lower()))
    for _, _, tag in sorted(ranked):
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return "en"


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


class Pages:
    """The three HTML files, and everything below ``/assets``."""

    def __init__(self) -> None:
        root = Path(gamecast.__file__).parent / "web"
        self._pages = {path.stem: path.read_bytes() for path in (root / "pages").glob("*.html")}
        self.assets = Assets(directory=root / "assets")
        self.vendor = Assets(directory=root / "vendor", check_dir=False)

    def page(self, name: str, request: Request) -> Response:
        """One of ``index``, ``watch`` and ``embed``, in the language that the request prefers."""
        language = preferred_language(request.headers.get("accept-language", ""))
        html = _HTML_LANG.sub(f'<html lang="{language}"'.encode(), self._pages[name], count=1)
        headers = page_headers(embeddable=name == "embed")
        headers["etag"] = f'"{hashlib.sha256(html).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(html, media_type="text/html", headers=headers)


class Assets(StaticFiles):
    """Static files; those asked for with a version may be kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Add cache and type-sniffing headers to what Starlette answers."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:  # no application above us turns it into an answer
            return problem(error.status_code, "no such file", headers=dict(error.headers or {}))
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if versioned else "no-cache"
        )
        response.headers["x-content-type-options"] = "nosniff"
        return response
