"""The viewers' process of ``whep_fanout``: grows on command, measures on command, as JSON lines.

``{"grow": 100}`` adds viewers until there are that many; ``{"measure": 10}`` counts for so many
seconds. Each is answered by one line.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.whep_feed import STAMP_OFFSET, STAMP_SIZE
from gamecast.bench.whep_viewer import LightViewer, open_viewer
from gamecast.media.codecs.nal import nal_units
from gamecast.protocols.webrtc.certificate import generate_certificate
from gamecast.protocols.webrtc.dtls import make_context

_SAMPLES = 10
"""Every so many-th viewer decrypts: sampled viewers are first, last and in between."""
_JOINS_AT_ONCE = 4
_BUFFER_BYTES = 64 * 1024


@dataclass(slots=True)
class Sample:
    """What a decrypting viewer found out."""

    delays: list[float] = field(default_factory=list)
    """Seconds from the publisher's write to the arrival of a picture's last packet."""
    last: int = -1
    missing: int = 0

    def picture(self, data: bytes, arrived: float) -> None:
        """Check the picture's number and take its delay."""
        stamp = nal_units(data)[-1][STAMP_OFFSET : STAMP_OFFSET + STAMP_SIZE]
        written, number = int(stamp[:16], 16) / 1e9, int(stamp[16:], 16)
        if self.last >= 0:
            self.missing += number - self.last - 1
        self.last = number
        self.delays.append(arrived - written)

    def reset(self) -> None:
        """Count from here; the picture's number goes on."""
        self.delays.clear()
        self.missing = 0


class Audience:
    """All viewers of one stream."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._certificate = generate_certificate(time.time())
        self._context = make_context(self._certificate)
        self._buffer = bytearray(_BUFFER_BYTES)
        self._viewers: list[LightViewer] = []
        self._samples: list[Sample] = []

    async def grow(self, to: int) -> dict[str, Any]:
        """Add viewers, a few at a time."""
        began = time.monotonic()
        failed = 0
        while len(self._viewers) + failed < to:
            count = min(_JOINS_AT_ONCE, to - len(self._viewers) - failed)
            first = len(self._viewers)
            joins = [self._join(first + index) for index in range(count)]
            results = await asyncio.gather(*joins, return_exceptions=True)
            failed += sum(isinstance(result, BaseException) for result in results)
        return {"viewers": len(self._viewers), "failed": failed, "took": time.monotonic() - began}

    async def _join(self, index: int) -> None:
        sample = Sample() if index % _SAMPLES == 0 or index == 1 else None
        viewer = await open_viewer(
            self._url,
            certificate=self._certificate,
            context=self._context,
            buffer=self._buffer,
            picture=sample.picture if sample is not None else None,
        )
        self._viewers.append(viewer)
        if sample is not None:
            self._samples.append(sample)

    async def measure(self, seconds: float) -> dict[str, Any]:
        """Count for so long."""
        for viewer in self._viewers:
            viewer.reset()
        for sample in self._samples:
            sample.reset()
        cpu, began = os.times(), time.monotonic()
        await asyncio.sleep(seconds)
        used, took = os.times(), time.monotonic() - began
        counts = [viewer.counts for viewer in self._viewers]
        delays = sorted(delay for sample in self._samples for delay in sample.delays)
        busy = used.user + used.system - cpu.user - cpu.system
        return {
            "seconds": took,
            "viewers": sum(viewer.closed is None for viewer in self._viewers),
            "datagrams": sum(count.datagrams for count in counts),
            "bytes": sum(count.bytes for count in counts),
            "lost": sum(count.lost for count in counts),
            "late": sum(count.late for count in counts),
            "forged": sum(count.forged for count in counts),
            "fewest": min((count.datagrams for count in counts), default=0),
            "pictures": len(delays),
            "pictures_missing": sum(sample.missing for sample in self._samples),
            "delays": {str(share): _share(delays, share) for share in (50, 95, 99)},
            "mean_delay": statistics.fmean(delays) if delays else 0.0,
            "cpu": busy / took,
        }

    def close(self) -> None:
        """Leave."""
        for viewer in self._viewers:
            viewer.close()


def _share(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


async def run(url: str) -> None:
    """Obey standard input until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    audience = Audience(url)
    while line := await reader.readline():
        command = json.loads(line)
        if "grow" in command:
            answer = await audience.grow(command["grow"])
        else:
            answer = await audience.measure(command["measure"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    audience.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(run(sys.argv[1]))
