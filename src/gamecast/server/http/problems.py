"""Error answers: RFC 9457 problem details."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response


def problem(
    status: int, detail: str, *, code: str = "", headers: dict[str, str] | None = None
) -> Response:
    """A problem document. ``detail`` is for people, ``code`` (if given) for programs."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    if code:
        body["code"] = code
    return Response(
        json.dumps(body),
        status_code=status,
        media_type="application/problem+json",
        headers={"cache-control": "no-store", **(headers or {})},
    )


_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
}


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These problems in the words of OpenAPI, for a router's ``responses``."""
    content = {"application/problem+json": {"schema": _SCHEMA}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def not_on_air(name: str) -> Response:
    """404 for a stream that nobody publishes now."""
    return problem(404, f"{name} is not on air", code="not_on_air")


def converter_late() -> Response:
    """503 for a viewer whose format needs a converter that has not started in time."""
    detail = "what this format needs of the stream is still being made"
    return problem(503, detail, code="converter_late", headers={"retry-after": "2"})
