"""Flow renditions of a stream, whichever protocol carries them to their viewers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from gamecast.relay.pace import Pace
from gamecast.relay.rendition import FlowRendition, Packager
from gamecast.relay.stream import Stream
from gamecast.server.aac_flow import AacFlow
from gamecast.server.convert import MakeConverter


def flow_rendition(
    stream: Stream,
    key: str,
    packager: Callable[[], Packager],
    pace: Pace,
    *,
    aac: MakeConverter | None = None,
) -> FlowRendition:
    """The stream's rendition of this key, started from its cached group if it is not there yet.

    ``aac``: what makes AAC of Opus, for formats whose players expect that.
    """
    make = partial(AacFlow, convert=aac) if aac is not None else FlowRendition
    return stream.rendition(
        key,
        lambda: make(
            packager(),
            tracks=stream.main_tracks,
            packets=stream.cached(),
            pace=pace,
            clock=stream.clocks.monotonic,
            call_later=asyncio.get_running_loop().call_later,
        ),
    )
