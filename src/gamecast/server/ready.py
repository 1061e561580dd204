"""``ready.json``: where the server listens, for scripts and tests (CONTRACT, "Command line")."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

NAME = "ready.json"


@dataclass(slots=True, frozen=True, kw_only=True)
class ReadyAddresses:
    """The bound addresses, as URLs that work on this machine; empty for what is off."""

    http: str
    rtmp: str = ""
    rtmps: str = ""
    srt: str = ""
    ice: str = ""

    def as_dict(self) -> dict[str, object]:
        """The JSON object, without what is off."""
        urls = {"http": self.http, "rtmp": self.rtmp, "rtmps": self.rtmps}
        urls |= {"srt": self.srt, "ice": self.ice}
        return {"pid": os.getpid(), **{name: url for name, url in urls.items() if url}}


def local_authority(address: tuple[str, int]) -> str:
    """``host:port`` by which a bound address is reached from this machine."""
    host, port = address
    if host in ("0.0.0.0", "::", ""):
        host = "127.0.0.1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def write_ready(data_dir: Path, addresses: ReadyAddresses) -> Path:
    """Write the file atomically and return its path."""
    path = data_dir / NAME
    temporary = path.with_name(f".{NAME}.{os.getpid()}")
    temporary.write_text(json.dumps(addresses.as_dict()) + "\n")
    temporary.replace(path)
    return path
