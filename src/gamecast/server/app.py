"""The server: makes the parts, joins them, runs until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import Response

from gamecast.net.admission import Admission
from gamecast.net.tcp import bind, bind_both
from gamecast.net.tls import ServerTls
from gamecast.packaging.hls import HlsSettings
from gamecast.relay.directory import Directory
from gamecast.relay.pace import Pace
from gamecast.relay.stream import Clocks, Stream, StreamEvent, StreamLimits, describe_tracks
from gamecast.server.auth import Authenticator
from gamecast.server.auth_answers import Refusal
from gamecast.server.config import ServeConfig
from gamecast.server.context import Context
from gamecast.server.convert import ConverterFactory
from gamecast.server.grants import end_revoked
from gamecast.server.http.api import bearer, make_api, refusal_problem
from gamecast.server.http.app import RootApp
from gamecast.server.http.connection import HttpLimits
from gamecast.server.http.flow import FlowRoutes
from gamecast.server.http.hls import HlsRoutes
from gamecast.server.http.ice_servers import IceServers
from gamecast.server.http.listener import HttpListener
from gamecast.server.http.live import LiveFeeds
from gamecast.server.http.media import MediaApp, Routes, cors_headers
from gamecast.server.http.pages import Pages
from gamecast.server.http.ready import ReadyHls
from gamecast.server.http.srt import srt_routes
from gamecast.server.http.whep import WhepRoutes
from gamecast.server.http.whip import WhipRoutes
from gamecast.server.load import LoadMeter
from gamecast.server.memory import MemoryTrimmer
from gamecast.server.metrics import Metrics
from gamecast.server.posters import Posters
from gamecast.server.ready import ReadyAddresses, local_authority, write_ready
from gamecast.server.rtmp.server import RtmpServer
from gamecast.server.srt.metrics import SrtCollector
from gamecast.server.srt.server import SrtServer
from gamecast.server.webrtc.addresses import PublicAddresses
from gamecast.server.webrtc.endpoint import Endpoint
from gamecast.server.webrtc.whep import WhepService
from gamecast.server.webrtc.whip import WhipService
from gamecast.store.store import Store
from gamecast.transcode.pool import WorkerPool
from gamecast.transcode.workers import Workers

log = structlog.get_logger(__name__)

_GOODBYE_SECONDS = 3.0
"""How long connections may take to send what is buffered when the server stops."""
_GRANT_CHECK_SECONDS = 5


class Server:
    """One ``gamecast serve``. ``start``, then ``stop``; in between everything is callbacks."""

    def __init__(self, config: ServeConfig, store: Store) -> None:
        self._config = config
        self.clocks = Clocks(monotonic=asyncio.get_running_loop().time, wall=time.time)
        self.pace = Pace()
        self.directory = Directory(
            clocks=self.clocks,
            limits=StreamLimits(
                grace_seconds=config.stream.grace_seconds,
                group_seconds=config.stream.group_seconds,
                group_bytes=config.stream.group_bytes,
                takeovers_per_minute=config.stream.takeovers_per_minute,
                max_bitrate=config.stream.max_bitrate,
            ),
        )
        self.directory.listen(_log_event)
        self._authenticator = Authenticator(store, config.auth)
        self._workers = Workers()
        self._pool = WorkerPool()
        self._convert = ConverterFactory(self._pool)
        self._load = LoadMeter(self.pace)
        self._feeds = LiveFeeds(self.directory, self.clocks)
        self._context = Context(
            directory=self.directory,
            authenticator=self._authenticator,
            pace=self.pace,
            convert=self._convert,
        )
        self._rtmp = RtmpServer(config.rtmp, self._context)
        self._srt = SrtServer(config.srt, self._context)
        self._ice: Endpoint | None = None
        self._memory = MemoryTrimmer(lambda: self._ice.admission.count if self._ice else 0)
        self._http: HttpListener | None = None
        tls = config.tls
        self._tls = ServerTls(tls.cert, tls.key) if tls.cert and tls.key else None
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> ReadyAddresses:
        """Bind, listen and begin to tick. Raises ``PortInUse`` naming the port."""
        tls = self._tls.context if self._tls is not None else None
        self._ice = await self._make_endpoint()
        self._http = self._make_http(self._ice)
        http = await self._listen(self._http, self._config.http.port, tls)
        rtmp = rtmps = None
        if self._config.rtmp.enabled:
            rtmp = await self._listen(self._rtmp, self._config.rtmp.port, None)
            if tls is not None:
                rtmps = await self._listen(self._rtmp, self._config.rtmp.tls_port, tls)
        ice = local_authority(self._ice.address)
        srt = await self._listen_srt() if self._config.srt.enabled else None
        self._ticking = asyncio.create_task(self._tick())
        scheme = "https" if tls is not None else "http"
        return ReadyAddresses(
            http=f"{scheme}://{http}",
            rtmp=f"rtmp://{rtmp}" if rtmp else "",
            rtmps=f"rtmps://{rtmps}" if rtmps else "",
            srt=f"srt://{srt}" if srt else "",
            ice=ice,
        )

    async def stop(self) -> None:
        """End everything in its own words, flush, close. Bounded in time."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        if self._http is not None:
            self._http.stop_accepting()
        self.directory.close("the server is stopping")
        self._feeds.close()
        if self._ice is not None:
            await self._ice.close()
        await self._rtmp.close()
        await self._srt.close()
        if self._http is not None:
            await self._http.close(patience=_GOODBYE_SECONDS)
        self._rtmp.abort()
        self._load.close()
        self._workers.close()
        await self._pool.close()

    async def _listen(
        self, listener: HttpListener | RtmpServer, port: int, tls: ssl.SSLContext | None
    ) -> str:
        bound = bind(self._config.server.host, port)
        address = bound.getsockname()[:2]
        await listener.listen(bound, tls=tls)
        return local_authority(address)

    async def _listen_srt(self) -> str:
        bound = bind(self._config.server.host, self._config.srt.port, kind=socket.SOCK_DGRAM)
        address = bound.getsockname()[:2]
        await self._srt.listen(bound)
        return local_authority(address)

    async def _make_endpoint(self) -> Endpoint:
        ice, host = self._config.ice, self._config.server.host
        datagrams, connections = bind_both(host, ice.port)

        def admission() -> Admission:
            return Admission(most=ice.max_sessions, most_per_address=ice.max_sessions_per_address)

        public = PublicAddresses(
            ice.public_addresses,
            family=datagrams.family,
            site=urlsplit(self._config.http.public_url).hostname or "",
        )
        endpoint = Endpoint(datagrams, public=public, sessions=admission())
        if ice.tcp:
            await endpoint.listen(connections, connections=admission())
        else:
            connections.close()
        await public.start()
        return endpoint

    def _make_http(self, ice: Endpoint) -> HttpListener:
        http = self._config.http
        admission = Admission(
            most=http.max_connections, most_per_address=http.max_connections_per_address
        )
        hls = self._config.hls
        settings = HlsSettings(
            part=hls.part_seconds, segment=hls.segment_seconds, window=hls.window_segments
        )
        posters = Posters(self.directory, self._workers, self.clocks)
        convert = self._convert
        whep = WhepService(
            ice, convert=convert, b_frames=self._config.webrtc.b_frames, pace=self.pace
        )
        whip = WhipService(ice, self.directory)
        servers = IceServers(self._config.ice.servers, wall=self.clocks.wall)
        media = MediaApp(
            self.directory,
            routes=Routes(
                flow=FlowRoutes(self.pace, self._convert),
                hls=HlsRoutes(settings, self._convert),
                whep=WhepRoutes(whep, ice_servers=servers),
                whip=WhipRoutes(whip, self._authenticator, ice_servers=servers),
            ),
            may_play=self._may_play,
            poster=posters.get,
            allow_origin=http.allow_origin,
        )
        metrics = Metrics(
            self.directory,
            pace=self.pace,
            load=lambda: self._load.load,
            connections={
                "http": lambda: admission.count,
                "rtmp": lambda: self._rtmp.admission.count,
                "srt": lambda: self._srt.admission.count,
            },
            more=[SrtCollector(self._srt.links)],
        )
        srt = srt_routes(self._srt.links, self._authenticator)
        api = make_api(
            self.directory,
            self._authenticator,
            metrics,
            metrics_from=http.metrics_from,
            more=[srt],
        )
        root = RootApp(media=media, feeds=self._feeds, pages=Pages(), api=api)
        limits = HttpLimits(
            header_timeout=http.header_timeout,
            idle_timeout=http.idle_timeout,
            admission=admission,
        )
        ready = ReadyHls(
            self.directory,
            headers=cors_headers(http.allow_origin),
            may_play=self._authenticator.may_play_now,
        )
        return HttpListener(root, limits, ready)

    async def _may_play(self, name: str, request: Request) -> Response | None:
        query = request.query_params
        answer = await self._authenticator.authorize_play(
            name=name,
            credential=bearer(request) or query.get("token") or query.get("key"),
            address=request.client.host if request.client else "",
        )
        return refusal_problem(answer) if isinstance(answer, Refusal) else None

    async def _tick(self) -> None:
        """Once a second for as long as the server runs."""
        seconds = 0
        while True:
            await asyncio.sleep(1.0)
            seconds += 1
            self.directory.tick()
            self._feeds.tick()
            if self._http is not None:
                self._http.tick()
            self._memory.tick()
            self._reload_certificate()
            if seconds % _GRANT_CHECK_SECONDS == 0:
                await end_revoked(self._context)

    def _reload_certificate(self) -> None:
        if self._tls is None:
            return
        try:
            if self._tls.reload_if_changed():
                log.info("tls.reloaded")
        except (OSError, ssl.SSLError) as error:
            log.warning("tls.not_reloaded", error=str(error))


def _log_event(stream: Stream, event: StreamEvent) -> None:
    log.info(
        f"stream.{event.value}", channel=stream.name, tracks=describe_tracks(stream.main_tracks)
    )


async def serve(
    config: ServeConfig,
    *,
    on_ready: Callable[[ReadyAddresses], Awaitable[None] | None] = lambda addresses: None,
) -> None:
    """Run a server until SIGINT or SIGTERM; returns when everything is flushed and closed.

    Raises ``PortInUse`` (naming the port), ``OSError`` or ``StoreUnavailable`` if it cannot start.
    """
    data_dir = config.server.data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    url = config.database.url.get_secret_value()
    async with await Store.open(data_dir=data_dir, url=url) as store:
        server = Server(config, store)
        stopping = _stop_on_signals()
        ready = None
        try:
            addresses = await server.start()
            ready = write_ready(data_dir, addresses)
            answer = on_ready(addresses)
            if inspect.isawaitable(answer):
                await answer
            await stopping.wait()
        finally:
            if ready is not None:
                ready.unlink(missing_ok=True)
            await server.stop()


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # Windows has no signal handlers on its loops
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
    return stopping
