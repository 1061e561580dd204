"""Say who is on air, and again whenever that changes: a start for a bot that announces streams.

    python examples/on_air.py http://127.0.0.1:8080

Needs nothing but Python. With ``--once`` it asks once and ends.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request

ASK_SECONDS = 5.0


def on_air(server: str) -> dict[str, str]:
    """Channel names and titles, from the public API."""
    with urllib.request.urlopen(f"{server}/api/v1/streams", timeout=10) as answer:
        return {item["name"]: item["title"] for item in json.load(answer)["items"]}


def changes(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """What to tell people."""
    started = [f"{name} is live: {now[name]}" for name in now if name not in before]
    ended = [f"{name} has ended" for name in before if name not in now]
    return started + ended


def main() -> int:
    """Ask, tell, wait, until Ctrl+C."""
    server, once = sys.argv[1].rstrip("/"), "--once" in sys.argv
    known: dict[str, str] = {}
    while True:
        try:
            now = on_air(server)
        except urllib.error.URLError as error:
            sys.stderr.write(f"{server}: {error.reason}\n")
            now = known
        for line in changes(known, now):
            sys.stdout.write(f"{line}\n")
        known = now
        if once:
            return 0
        time.sleep(ASK_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
