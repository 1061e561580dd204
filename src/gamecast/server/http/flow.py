"""HTTP-FLV and fragmented MP4, as an endless body or over WebSocket: shared bytes, no task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from gamecast.media.containers.mpegts import can_carry
from gamecast.media.track import Kind, Track
from gamecast.packaging.flv import FlvPackager
from gamecast.packaging.fmp4 import Fmp4Packager
from gamecast.packaging.ts import TsPackager
from gamecast.relay.lane import Framing, plain
from gamecast.relay.pace import Pace
from gamecast.relay.rendition import FlowRendition, Packager
from gamecast.relay.stream import Stream
from gamecast.relay.viewer import Viewer
from gamecast.server.convert import MakeConverter
from gamecast.server.flow import flow_outlet
from gamecast.server.http import framing, websocket
from gamecast.server.http.connection import EXTENSION, HttpConnection
from gamecast.server.http.problems import converter_late, problem
from gamecast.server.needs import FLV, NOTHING, TS, Needs
from gamecast.server.outlet import Outlet

HIGH_WATER = 4 * 1024 * 1024
"""Bytes that may wait for a viewer before it counts as full: a few seconds of a usual stream."""


@dataclass(slots=True, frozen=True)
class Format:
    """A flowing format: its word in the API, its media type and what makes it."""

    key: str
    media_type: str
    packager: Callable[[], Packager]
    needs: Needs = NOTHING
    """What its players need converted."""
    carries: Callable[[Track], bool] = lambda track: True
    """Whether it has room for a track's codec."""

    def missing(self, tracks: Sequence[Track]) -> Track | None:
        """What viewers would miss of these tracks: the picture, or all that there is.

        Sound that is left out of a stream with a picture is no reason to show nothing.
        """
        left_out = [
            track for track in tracks if not (self.carries(track) or self.needs.converts(track))
        ]
        if len(left_out) < len(tracks):
            left_out = [track for track in left_out if track.kind is Kind.VIDEO]
        return left_out[0] if left_out else None


FORMATS = {
    "flv": Format("flv", "video/x-flv", FlvPackager, needs=FLV),
    "mp4": Format("fmp4", "video/mp4", Fmp4Packager),
    "ts": Format("ts", "video/mp2t", TsPackager, needs=TS, carries=can_carry),
}
"""By file name extension."""


class FlowSession:
    """One viewer of a flowing format: takes the transport over and only hands on shared bytes."""

    def __init__(self, stream: Stream, format: Format, rendition: FlowRendition) -> None:
        self._stream = stream
        self._format = format
        self._rendition = rendition
        self._transport: asyncio.Transport | None = None
        self._listener: websocket.Listener | None = None
        self._last = b""
        self.viewer: Viewer | None = None

    def start(
        self, connection: HttpConnection, scope: Scope, headers: list[tuple[bytes, bytes]]
    ) -> None:
        """Answer a GET: the head, what the rendition has so far, and from then on every flush."""
        if websocket.wanted(scope["headers"]):
            accept = websocket.accept_headers(scope["headers"]) or []
            transport = connection.take_over(self, 101, accept, high_water=HIGH_WATER)
            self._listener = websocket.Listener(transport.write, transport.close)
            self._last = self._listener.close_frame(reason="the stream has ended")
            frame: Framing = framing.websocket_binary
        elif scope["http_version"] == "1.1":
            chunked = [*headers, (b"transfer-encoding", b"chunked")]
            transport = connection.take_over(self, 200, chunked, high_water=HIGH_WATER)
            self._last = framing.LAST_CHUNK
            frame = framing.http_chunk
        else:
            transport = connection.take_over(self, 200, headers, high_water=HIGH_WATER)
            frame = plain  # an HTTP/1.0 body ends with its connection
        self._transport = transport
        self.viewer = Viewer(
            protocol=self._format.key,
            sink=self,
            address=scope["client"][0] if scope["client"] else "",
            since=self._stream.clocks.wall(),
        )
        self._rendition.join(self.viewer, frame)

    # Sink ---------------------------------------------------------------------------------------

    @property
    def write(self) -> Callable[[bytes], None]:
        """The transport's write function."""
        return self._transport.write if self._transport is not None else _drop

    def write_burst(self, pieces: list[bytes]) -> None:
        """Uncopied, as far as the transport can."""
        if self._transport is not None:
            self._transport.writelines(pieces)

    def backlog(self) -> int:
        """Bytes not yet in the kernel."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def finish(self, reason: str) -> None:
        """End the body properly, or drop the connection of a viewer that does not read."""
        transport = self._transport
        if transport is None:
            return
        if self.viewer is not None and self.viewer.full:
            transport.abort()
        else:
            transport.write(self._last)
            transport.close()

    # Takeover -----------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """WebSocket frames; anything on a plain body is noise."""
        if self._listener is not None:
            self._listener.data_received(data)

    def writing_paused(self) -> None:
        """The viewer is full."""
        if self.viewer is not None:
            self.viewer.set_full(True, self._stream.clocks.monotonic())

    def writing_resumed(self) -> None:
        """The viewer has room again."""
        if self.viewer is not None:
            self.viewer.set_full(False, self._stream.clocks.monotonic())

    def closed(self) -> None:
        """The viewer is gone."""
        self._transport = None
        if self.viewer is not None:
            self._rendition.leave(self.viewer)
            self._stream.release(self._format.key)


def _drop(data: bytes) -> None:
    """The connection is gone and its ``closed`` is on the way."""


class FlowRoutes:
    """Answers requests for the flowing formats."""

    def __init__(self, pace: Pace, convert: MakeConverter) -> None:
        self._pace = pace
        self._convert = convert

    async def serve(
        self, scope: Scope, *, stream: Stream, format: Format, headers: dict[str, str]
    ) -> Response | None:
        """Answer a request for ``/live/<name>.flv``, ``.mp4`` or ``.ts``.

        Returns the response if it is a short one; otherwise the viewer has its stream.
        """
        headers = {"cache-control": "no-store", "content-type": format.media_type, **headers}
        if scope["method"] == "HEAD":
            return Response(headers=headers)
        if websocket.wanted(scope["headers"]) and not websocket.accept_headers(scope["headers"]):
            version = {"sec-websocket-version": "13"}
            return problem(400, "not a WebSocket handshake", headers=version)
        connection = cast(HttpConnection, scope["extensions"][EXTENSION])
        async with self._outlet(stream, format).awaited() as rendition:
            if rendition is None:
                return converter_late()
            if not connection.transport.is_closing():  # it may have hung up while it waited
                session = FlowSession(stream, format, rendition)
                session.start(connection, scope, Headers(headers).raw)
        return None

    def _outlet(self, stream: Stream, format: Format) -> Outlet[FlowRendition]:
        return flow_outlet(
            stream,
            format.key,
            format.packager,
            self._pace,
            needs=format.needs,
            convert=self._convert,
        )
