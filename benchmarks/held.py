"""What a server holds at a moment: viewers, memory, descriptors."""

from __future__ import annotations

import json
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import Running


@dataclass(slots=True, frozen=True, kw_only=True)
class State:
    """What the server holds."""

    viewers: int
    megabytes: float
    descriptors: int

    @classmethod
    def of(cls, server: Running, protocol: str | None = None) -> State:
        """Now; viewers of one protocol, or of all."""
        pid = server.pids[0]
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls(
            viewers=viewers(server, protocol),
            megabytes=pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        )

    def __str__(self) -> str:
        return f"{self.viewers} viewers, {self.megabytes:.1f} MB, {self.descriptors} descriptors"


def viewers(server: Running, protocol: str | None = None) -> int:
    """How many there are by the server's own count, of one protocol or of all."""
    origin = server.watch_url("flv").partition("/live/")[0]
    with urllib.request.urlopen(f"{origin}/api/v1/streams", timeout=30) as answer:
        items = json.load(answer)["items"]
    counts = [item["viewers"] for item in items]
    return sum(
        number
        for count in counts
        for name, number in count.items()
        if name == protocol or (protocol is None and name != "total")
    )
