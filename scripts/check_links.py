"""Check that every relative link and anchor in the project's Markdown leads somewhere.

Addresses of other hosts are not fetched: the check works without a network.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def pages(root: Path) -> list[Path]:
    """The Markdown files that people read: those at the top and those under docs/ and examples/."""
    return sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")])


def slug(heading: str) -> str:
    """The anchor that code hosts give a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Every anchor of a page."""
    return {slug(match) for match in HEADING.findall(FENCE.sub("", page.read_text("utf-8")))}


def broken(page: Path, root: Path) -> Iterator[str]:
    """Say of each link of ``page`` that leads nowhere, why."""
    for target in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"{page.relative_to(root)}: no file {target}"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{page.relative_to(root)}: no heading for {target}"


def main() -> int:
    """Print the broken links; the exit status says whether there are any."""
    found = [line for page in pages(ROOT) for line in broken(page, ROOT)]
    sys.stdout.write("".join(f"{line}\n" for line in found) or "every link leads somewhere\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
