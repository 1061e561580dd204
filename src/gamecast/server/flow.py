"""Flow renditions of a stream, whichever protocol carries them to their viewers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gamecast.relay.pace import Pace
from gamecast.relay.rendition import FlowRendition, Packager
from gamecast.relay.stream import Stream
from gamecast.server.convert import MakeConverter
from gamecast.server.needs import Needs
from gamecast.server.outlet import Outlet


def flow_outlet(
    stream: Stream,
    key: str,
    packager: Callable[[], Packager],
    pace: Pace,
    *,
    needs: Needs,
    convert: MakeConverter | None,
) -> Outlet[FlowRendition]:
    """The outlet of this key, whose rendition starts from the cached group of what feeds it.

    ``convert`` makes what ``needs`` asks for.
    """

    def make(source: Stream) -> FlowRendition:
        return FlowRendition(
            packager(),
            tracks=source.main_tracks,
            packets=source.cached(),
            pace=pace,
            clock=source.clocks.monotonic,
            call_later=asyncio.get_running_loop().call_later,
        )

    return stream.rendition(
        key, lambda: Outlet(stream, key, needs=needs, make=make, convert=convert)
    )
