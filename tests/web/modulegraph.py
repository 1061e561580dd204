"""Which modules a page loads, found by reading the sources; writes the pages' modulepreload links.

Without them a browser finds the modules one import at a time, a round trip per level.
``python -m tests.web.modulegraph`` brings the pages up to date after an import was added.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import gamecast

WEB = Path(gamecast.__file__).parent / "web"
PAGES = ("index", "watch", "embed", "studio")
BEGIN = "<!-- modulepreload: begin -->"
END = "<!-- modulepreload: end -->"

_IMPORT = re.compile(r"""^\s*(?:import|export)\b[^'"]*?\bfrom\s+['"](\.[^'"]+)['"]""", re.M)
_ENTRY = re.compile(r'<script type="module" src="/assets/([^"]+)"')
_LINK = re.compile(r'<link rel="modulepreload" href="/assets/([^"]+)">')


def imports(module: str) -> list[str]:
    """The modules that one imports statically, as paths below ``assets``."""
    source = (WEB / "assets" / module).read_text("utf-8")
    folder = posixpath.dirname(module)
    return [posixpath.normpath(posixpath.join(folder, path)) for path in _IMPORT.findall(source)]


def graph(entry: str) -> list[str]:
    """All modules below an entry, without it, sorted."""
    found: set[str] = set()
    waiting = [entry]
    while waiting:
        for module in imports(waiting.pop()):
            if module not in found:
                found.add(module)
                waiting.append(module)
    return sorted(found - {entry})


def entry_of(html: str) -> str:
    """The page's own module."""
    match = _ENTRY.search(html)
    if match is None:
        raise ValueError("the page has no module")
    return match[1]


def preloaded(html: str) -> list[str]:
    """The modules that a page names ahead."""
    return _LINK.findall(html)


def written(html: str) -> str:
    """The page with its links as they should be."""
    head, rest = html.split(BEGIN)
    _, tail = rest.split(END)
    indent = head[head.rindex("\n") :]
    links = "".join(
        f'{indent}<link rel="modulepreload" href="/assets/{module}">'
        for module in graph(entry_of(html))
    )
    return f"{head}{BEGIN}{links}{indent}{END}{tail}"


def main() -> None:
    """Rewrite the pages whose links are out of date."""
    for name in PAGES:
        path = WEB / "pages" / f"{name}.html"
        html = path.read_text("utf-8")
        if written(html) != html:
            path.write_text(written(html), "utf-8")


if __name__ == "__main__":
    main()
