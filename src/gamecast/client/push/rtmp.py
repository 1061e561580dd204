"""RtmpDestination: publishes to one RTMP server and keeps at it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace

from gamecast.client.push.destination import Metadata
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.rtmp_link import RtmpLink, open_link
from gamecast.client.push.target import RtmpTarget
from gamecast.client.push.uplink import LinkError, UplinkDestination
from gamecast.media.containers.flv.writer import TagWriter
from gamecast.media.track import Track
from gamecast.protocols.rtmp.urls import parse_url


class RtmpDestination(UplinkDestination):
    """An uplink over RTMP; follows redirections."""

    def __init__(
        self,
        target: RtmpTarget,
        network: NetworkThread,
        *,
        on_change: Callable[[], None],
        keep_trying: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """As ``UplinkDestination``; ``tls`` is for servers with certificates of their own."""
        super().__init__(target.shown, network, on_change=on_change, keep_trying=keep_trying)
        self._target = target
        self._url = target.url
        self._tls = tls
        self._writer = TagWriter(())

    def _prepare(self, tracks: Sequence[Track], metadata: Metadata) -> None:
        self._writer = TagWriter(tracks, extra=metadata)

    def _scrub(self, text: str) -> str:
        return self._target.scrub(text)

    async def _open(self) -> RtmpLink:
        tls = None
        if self._url.tls:
            tls = self._tls or ssl.create_default_context()
        return await open_link(self._url, self._writer, self._pump, tls=tls)

    def _follow(self, error: LinkError) -> bool:
        """Go where the server wants us; ``False`` where it does not say or makes no sense."""
        if error.move_to is None:
            return False
        try:
            moved = parse_url(error.move_to)
        except ValueError:
            return False
        app = f"{moved.app}/{moved.name}" if moved.name else moved.app
        self._url = replace(moved, app=app or self._url.app, name=self._url.name)
        return True
