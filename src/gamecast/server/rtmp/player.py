"""An RTMP player: a viewer of the stream's RTMP rendition."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.net.tcp import TcpDriver
from gamecast.protocols.rtmp import ServerConnection
from gamecast.relay.lane import plain
from gamecast.relay.pace import Pace
from gamecast.relay.stream import Stream
from gamecast.relay.viewer import Viewer
from gamecast.server.convert import MakeConverter
from gamecast.server.flow import flow_rendition
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
        aac: MakeConverter | None,
    ) -> None:
        """``aac``: what makes AAC of Opus, for a player that has no Opus."""
        self._driver = driver
        self._connection = connection
        self._stream_id = stream_id
        self._stream = stream
        self._pace = pace
        self._aac = aac
        self._key = f"rtmp/{stream_id}" + ("/aac" if aac is not None else "")
        self._full = False
        self._viewer: Viewer | None = None

    def join(self) -> None:
        """Start (again, after a pause): headers, current group, then live."""
        if self._viewer is not None or self._stream.ended:
            return
        self._viewer = Viewer(
            protocol="rtmp",
            sink=self,
            address=self._driver.address,
            since=self._stream.clocks.wall(),
            full=self._full,
        )
        rendition = flow_rendition(
            self._stream,
            self._key,
            lambda: RtmpPackager(self._stream_id),
            self._pace,
            aac=self._aac,
        )
        rendition.join(self._viewer, plain)

    def leave(self) -> None:
        """Stop watching."""
        viewer, self._viewer = self._viewer, None
        rendition = self._stream.find_rendition(self._key)
        if viewer is not None and rendition is not None:
            rendition.leave(viewer)  # type: ignore[attr-defined]  # the key names a flow rendition
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
