"""Flow renditions of a stream, whichever protocol carries them to their viewers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gamecast.relay.pace import Pace
from gamecast.relay.rendition import FlowRendition, Packager
from gamecast.relay.stream import Stream


def flow_rendition(
    stream: Stream, key: str, packager: Callable[[], Packager], pace: Pace
) -> FlowRendition:
    """The stream's rendition of this key, started from its cached group if it is not there yet."""
    return stream.rendition(
        key,
        lambda: FlowRendition(
            packager(),
            tracks=stream.main_tracks,
            packets=stream.cached(),
            pace=pace,
            clock=stream.clocks.monotonic,
            call_later=asyncio.get_running_loop().call_later,
        ),
    )
