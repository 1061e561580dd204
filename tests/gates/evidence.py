"""What anybody can read of a server while it runs, and the search for secrets in it (rule R6)."""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil

from tests.support.gamecast import UNVERIFIED, GamecastServer

PASSPHRASE = "canary-passphrase-7x"
GUESS = "canary-guess-7x"
"""What somebody tries who knows no secret: it may be one elsewhere, so it is hidden as well."""
STREAM_KEY = re.compile(r"gc_[a-z2-7]{32}")


class Evidence:
    """Everything that anybody can read, under a name that says where it was found."""

    def __init__(self, server: GamecastServer) -> None:
        self.server = server
        self.found: dict[str, str] = {}
        self._parts = urlsplit(server.http)

    def ask(self, path: str, *, method: str = "GET", token: str = "", body: bytes = b"") -> int:
        """Keep head and body of the answer (its first 64 KiB); the request itself is not kept."""
        link = self._connect()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with contextlib.closing(link):
            link.request(method, path, body=body or None, headers=headers)
            answer = link.getresponse()
            text = str(answer.headers) + answer.read(65_536).decode("latin-1")
        self.found[f"answer {len(self.found)}: {method} {path}"] = text
        return answer.status

    def _connect(self) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=15)
        return http.client.HTTPSConnection(host, port, context=UNVERIFIED, timeout=15)

    def watch_processes(self) -> None:
        """Keep the arguments of the server and of every process that it started."""
        assert self.server.process is not None
        root = psutil.Process(self.server.process.pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                self.found[f"arguments of {process.pid}"] = "\0".join(process.cmdline())

    def add_files(self, folder: Path, *names: str) -> None:
        """Keep every file below a folder, but those that hold secrets on purpose."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name not in names:
                self.found[str(path.relative_to(folder))] = path.read_bytes().decode("latin-1")

    def leaks(self, secrets: dict[str, str]) -> list[str]:
        """Where which secret stands, in any form that can be read back."""
        return [
            f"{name} in {place}"
            for name, secret in secrets.items()
            for place, text in self.found.items()
            if any(form in text for form in forms(secret))
        ]


def forms(secret: str) -> set[str]:
    """A secret as it stands, in URLs, in hexadecimal and in base64 (as in Basic authorization)."""
    raw = secret.encode()
    encoded = base64.b64encode(raw).decode().rstrip("=")
    return {secret, quote(secret, safe=""), raw.hex(), encoded[: len(raw) // 3 * 4]}


def printed(banner: str) -> dict[str, str]:
    """The secrets of a first start."""
    key = STREAM_KEY.search(banner)
    password = re.search(r"Admin password +([a-z2-7-]{19})\b", banner)
    assert key
    assert password
    return {"the first key": key[0], "the first password": password[1]}
