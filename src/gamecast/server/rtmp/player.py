"""An RTMP player: a viewer of the stream's RTMP rendition."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gamecast.net.tcp import TcpDriver
from gamecast.protocols.rtmp import ServerConnection
from gamecast.relay.lane import plain
from gamecast.relay.pace import Pace
from gamecast.relay.rendition import FlowRendition
from gamecast.relay.stream import Stream
from gamecast.relay.viewer import Viewer
from gamecast.server.convert import MakeConverter
from gamecast.server.flow import flow_outlet
from gamecast.server.needs import Needs
from gamecast.server.rtmp.packager import RtmpPackager


class RtmpPlayer:
    """Joins the rendition of its message stream id; all players with the same id share bytes."""

    def __init__(
        self,
        driver: TcpDriver,
        connection: ServerConnection,
        stream_id: int,
        stream: Stream,
        pace: Pace,
        *,
        needs: Needs,
        convert: MakeConverter | None,
    ) -> None:
        """``needs``: what this player does not have, and ``convert`` makes something else of."""
        self._driver = driver
        self._connection = connection
        self._stream_id = stream_id
        self._stream = stream
        self._pace = pace
        self._needs = needs
        self._convert = convert
        self._key = f"rtmp/{stream_id}/{needs.word}"
        self._full = False
        self._paused = False
        self._viewer: Viewer | None = None
        self._rendition: FlowRendition | None = None

    def awaited(self) -> AbstractAsyncContextManager[FlowRendition | None]:
        """What this player can have, as soon as it is there; see :meth:`Outlet.awaited`."""
        outlet = flow_outlet(
            self._stream,
            self._key,
            lambda: RtmpPackager(self._stream_id),
            self._pace,
            needs=self._needs,
            convert=self._convert,
        )
        return outlet.awaited()

    def join(self, rendition: FlowRendition) -> None:
        """Start: headers, current group, then live."""
        self._viewer = Viewer(
            protocol="rtmp",
            sink=self,
            address=self._driver.address,
            since=self._stream.clocks.wall(),
            full=self._full,
        )
        self._rendition = rendition
        rendition.join(self._viewer, plain)

    async def resume(self) -> None:
        """Start again after a pause."""
        self._paused = False
        if self._viewer is not None or self._stream.ended:
            return
        async with self.awaited() as rendition:
            if self._paused or self._viewer is not None:
                return  # it has changed its mind, more than once perhaps
            if rendition is not None:
                self.join(rendition)
            else:
                self.finish("no converter")

    def leave(self) -> None:
        """Stop watching, for a pause or for good."""
        self._paused = True
        viewer, self._viewer = self._viewer, None
        if viewer is not None and self._rendition is not None:
            self._rendition.leave(viewer)
            self._stream.release(self._key)

    def set_full(self, full: bool) -> None:
        """The transport passed a water mark."""
        self._full = full
        if self._viewer is not None:
            self._viewer.set_full(full, self._stream.clocks.monotonic())

    # Sink ---------------------------------------------------------------------------------------

    @property
    def write(self) -> Callable[[bytes], None]:
        """The transport's write function."""
        return self._driver.write

    def write_burst(self, pieces: list[bytes]) -> None:
        """Uncopied, as far as the transport can."""
        self._driver.write_burst(pieces)

    def backlog(self) -> int:
        """Bytes not yet in the kernel."""
        return self._driver.backlog()

    def finish(self, reason: str) -> None:
        """Tell the player that it is over, or drop one that does not read."""
        if self._full:
            self._driver.abort()
            return
        self._connection.send_unpublish_notify(self._stream_id)
        self._connection.send_stream_eof(self._stream_id)
        self._driver.write(self._connection.data_to_send())
        self._driver.close()
