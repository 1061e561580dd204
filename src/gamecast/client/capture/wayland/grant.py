"""Grant: what the user lets us see, for as long as it lasts, from ordinary threads.

The portal ends a share with the connection that asked for it, so an event loop in a thread of its
own holds that connection.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping

from gamecast.client.capture.source import SourceError
from gamecast.client.capture.wayland import gstreamer, screencast
from gamecast.client.capture.wayland.portal import Portal, PortalError
from gamecast.client.capture.wayland.screencast import Cast, Kind, Offer
from gamecast.client.capture.wayland.tokens import load_token, save_token, tokens_path
from gamecast.client.push.network import NetworkThread


def look(environ: Mapping[str, str] = os.environ) -> Offer:
    """What could be shared, without asking anybody.

    Raises ``SourceError`` with what is missing for it.
    """

    async def ask() -> Offer:
        portal = await Portal.connect(environ)
        try:
            return await screencast.offer(portal)
        finally:
            await portal.close()

    if problem := gstreamer.missing(environ):
        raise SourceError(problem)
    try:
        return asyncio.run(ask())
    except PortalError as error:
        raise SourceError(str(error)) from error


class Grant:
    """A screen or window that the user has chosen."""

    def __init__(
        self,
        kind: Kind,
        choice: str,
        *,
        cursor: bool,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Ask the user, or take what was chosen before for the same ``choice``.

        Waits for the user. Raises ``SourceError``.
        """
        if problem := gstreamer.missing(environ):
            raise SourceError(problem)
        self.ended = threading.Event()
        """Set once the user or the desktop has taken it back."""
        self._kind, self._choice, self._cursor = kind, choice, cursor
        self._environ = environ
        self._portal: Portal | None = None
        self._thread = NetworkThread()
        try:
            self._cast = self._thread.submit(self._ask()).result()
        except PortalError as error:
            self.close()
            raise SourceError(str(error)) from error
        except BaseException:  # Ctrl-C while the dialog is open
            self.close()
            raise

    @property
    def node(self) -> int:
        """The PipeWire node's id."""
        return self._cast.node

    def open_remote(self) -> int:
        """A connection to PipeWire, the caller's. Raises ``SourceError``."""
        try:
            return self._thread.submit(self._open_remote()).result()
        except PortalError as error:
            raise SourceError(str(error)) from error

    def close(self) -> None:
        """Give it back."""
        if self._portal is not None:
            self._thread.submit(self._portal.close()).result()
            self._portal = None
        self._thread.close()

    async def _ask(self) -> Cast:
        path = tokens_path(self._environ)
        self._portal = await Portal.connect(self._environ)
        token = load_token(self._choice, path)
        cast = await screencast.share(self._portal, self._kind, cursor=self._cursor, token=token)
        self._portal.on_session_closed(cast.session, self.ended.set)
        save_token(self._choice, cast.token, path)
        return cast

    async def _open_remote(self) -> int:
        if self._portal is None:
            raise PortalError("the share is over")
        return await screencast.open_remote(self._portal, self._cast)
