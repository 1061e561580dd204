"""The API's page for people: its OpenAPI document as plain HTML, from this server alone.

FastAPI's own page loads its scripts from a public network: it tells a stranger who administers
which server, shows nothing without the Internet, and our pages' policy would have to allow it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from gamecast.server.http.pages import page_headers

_HEAD = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="dark">
    <title>{title} API</title>
    <link rel="icon" href="/assets/img/logo.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/assets/css/base.css">
    <link rel="stylesheet" href="/assets/css/docs.css">
  </head>
  <body class="docs">
    <main>
      <h1>{title} API <small>{version}</small></h1>
      <p>{summary} For programs: <a href="/openapi.json">openapi.json</a>. Administrators send
      <code>Authorization: Bearer TOKEN</code>, where <code>gamecast token create</code> makes the
      token. Errors are <code>application/problem+json</code>.</p>
"""
_TAIL = """    </main>
  </body>
</html>
"""
_METHODS = ("get", "put", "post", "patch", "delete")


def add_api_page(app: FastAPI) -> None:
    """Serve the page at ``/docs``."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(render(app.openapi()), headers=page_headers(embeddable=False))


def render(schema: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = {name: escape(str(text)) for name, text in schema["info"].items()}
    head = _HEAD.format(
        title=info["title"], version=info["version"], summary=info.get("summary", "")
    )
    groups: dict[str, list[str]] = defaultdict(list)
    for path, item in schema["paths"].items():
        for method in _METHODS:
            if method in item:
                (tag, *_) = item[method].get("tags", ["other"])
                groups[tag].append("".join(_operation(method, path, item[method])))
    body = [f"<h2>{escape(tag)}</h2>\n{''.join(lines)}" for tag, lines in groups.items()]
    return head + "".join(body) + _TAIL


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    name = f"{method.upper()} {path}"
    yield f"<section>\n<h3><code>{escape(name)}</code></h3>\n"
    yield f"<p>{escape(operation.get('description', operation.get('summary', '')))}</p>\n<dl>\n"
    for parameter in operation.get("parameters", []):
        kind = parameter.get("schema", {}).get("type", "any")
        note = f"{parameter['in']}, {kind}" + (", required" if parameter.get("required") else "")
        yield f"<dt><code>{escape(parameter['name'])}</code></dt><dd>{escape(note)}</dd>\n"
    for status, response in sorted(operation["responses"].items()):
        yield f"<dt>{escape(status)}</dt><dd>{escape(response['description'])}</dd>\n"
    yield "</dl>\n</section>\n"
