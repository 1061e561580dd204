"""Adapts the encoder's bitrate to the uplink of one destination, in the network thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gamecast.client.push.congestion import BitrateController
from gamecast.client.push.stats import DestinationStats, State

EVERY = 0.1
"""Seconds between looks at the queue."""


async def adapt(
    stats: DestinationStats, controller: BitrateController, change: Callable[[int], None]
) -> None:
    """Call ``change`` with a new bitrate whenever the destination's queue asks for it; for ever.

    While the destination is away the bitrate stays, for nobody knows what the next connection
    will carry.
    """
    loop = asyncio.get_running_loop()
    was_live, dropped = False, 0
    while True:
        await asyncio.sleep(EVERY)
        live = stats.state is State.LIVE
        # Those that are dropped while it is away say nothing of the line.
        lost, dropped = was_live and stats.frames_dropped > dropped, stats.frames_dropped
        if live and not was_live:
            controller.restart(loop.time())
        was_live = live
        if not live:
            continue
        bitrate = controller.bitrate
        wanted = controller.update(
            loop.time(),
            queue_seconds=stats.queue_seconds,
            dropped=lost,
            total_bytes=stats.bytes_sent,
            bandwidth=stats.bandwidth,
        )
        if wanted != bitrate:
            change(wanted)
