"""Transcoder: packets of one track in, packets of another codec out, on the same timeline.

The work is done in a worker process. This side only forwards bytes, bounds what waits, and starts
another worker when one is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import structlog

from gamecast.media.codecs import audio_track, video_track
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.transcode import wire
from gamecast.transcode.backlog import AudioBacklog, VideoBacklog
from gamecast.transcode.encoder_choice import SOFTWARE
from gamecast.transcode.pool import AUTO, WorkerPool
from gamecast.transcode.process import WorkerProcess
from gamecast.transcode.recipes import AudioRecipe, Recipe, VideoRecipe
from gamecast.transcode.wire import Message, MessageKind, WireError

log = structlog.get_logger(__name__)

_IN_FLIGHT = 4
"""Packets that a worker may have at once; the others wait here, where they can be dropped."""
_LOSSES = 5
_LOSS_WINDOW_SECONDS = 60.0
_BACKOFF_SECONDS = 0.25
_LONGEST_BACKOFF_SECONDS = 4.0


@dataclass(slots=True)
class TranscodeStats:
    """Counts of one transcoder since it began."""

    packets_in: int = 0
    packets_out: int = 0
    dropped: int = 0
    """Packets given up because the worker was behind or gone."""
    skipped: int = 0
    """Pictures that were decoded but not encoded, to catch up."""
    restarts: int = 0
    """Workers lost so far."""
    encoder: str = ""
    """FFmpeg's name of the video encoder in use."""


class Transcoder:
    """One track's transcode. Make it in a running event loop; ``close`` it in the end.

    ``on_packet`` is called with every packet made, ``pts`` and ``dts`` in ticks of its own track
    but at the same seconds as in the source, ``wall`` as in the source. ``on_failed`` is called
    once, with a reason, when workers were lost too often; nothing comes after that.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        on_packet: Callable[[Packet], None],
        on_failed: Callable[[str], None],
        pool: WorkerPool | None = None,
    ) -> None:
        """``pool``: the server's; without one the transcoder has a process of its own."""
        self._recipe = recipe
        self._on_packet = on_packet
        self._on_failed = on_failed
        self._pool = pool if pool is not None else WorkerPool()
        self._owns_pool = pool is None
        self._loop = asyncio.get_running_loop()
        self._counts = TranscodeStats()
        self._backlog: VideoBacklog | AudioBacklog = (
            VideoBacklog()
            if isinstance(recipe, VideoRecipe)
            else AudioBacklog(recent_seconds=recipe.catch_up_seconds)
        )
        self._worker: WorkerProcess | None = None
        self._number = 0
        self._in_flight = 0
        self._sent_track: Track | None = None
        self._made_track: Track | None = None
        self._starting: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._losses: deque[float] = deque()
        self._quarantined = False
        self._ended = False
        self._start()

    @property
    def stats(self) -> TranscodeStats:
        """Counts so far."""
        backlog = self._backlog
        return replace(self._counts, dropped=backlog.dropped, skipped=backlog.skipped)

    @property
    def track(self) -> Track | None:
        """The track of the packets that come out; ``None`` before the first."""
        return self._made_track

    @property
    def ready(self) -> bool:
        """Whether a worker takes packets now."""
        return self._worker is not None and self._worker.ready

    @property
    def waiting(self) -> int:
        """Packets that have come in and are not done with."""
        return len(self._backlog) + self._in_flight

    def write(self, packet: Packet) -> None:
        """Take a packet; never blocks."""
        if self._ended or len(packet.data) >= wire.MAX_BODY // 2:
            return
        self._counts.packets_in += 1
        self._backlog.append(packet)
        self._pump()

    def catch_up(self, packets: Sequence[Packet]) -> None:
        """Take the stream's cached group, before the first ``write``.

        All pictures of it are decoded and the last ones encoded, so that the first packet out is
        a keyframe of now. Of audio, the recipe says how much is encoded. Packets of other
        tracks than the one to transcode must not be among them.
        """
        if self._ended or not packets:
            return
        self._counts.packets_in += len(packets)
        self._backlog.extend(packets)
        self._pump()

    def request_keyframe(self) -> None:
        """Make the next picture a keyframe."""
        if self._worker is not None and self._sent_track is not None:
            self._worker.send(MessageKind.KEYFRAME, self._number)

    async def close(self) -> None:
        """End it: no packet comes out any more, and nothing of it is left running."""
        self._ended = True
        if self._retry is not None:
            self._retry.cancel()
        if self._starting is not None:
            await asyncio.wait([self._starting])
        self._detach()
        if self._owns_pool:
            await self._pool.close()

    # Line ---------------------------------------------------------------------------------------

    def worker_ready(self) -> None:
        """The worker takes messages now."""
        assert self._worker is not None
        recipe = self._recipe
        if _leaves_choice(recipe):
            recipe = replace(recipe, encoder=self._pool.encoder)
        self._worker.send(MessageKind.OPEN, self._number, wire.build_recipe(recipe))
        self._pump()

    def receive_message(self, message: Message) -> None:
        """The worker says something; raises ``WireError``."""
        match message.kind:
            case MessageKind.TAKEN:
                self._in_flight -= 1
                self._pump()
            case MessageKind.PACKET:
                self._hand_on(message.body)
            case MessageKind.TRACK:
                self._made_track = self._checked_track(wire.parse_track(message.body))
            case MessageKind.ENCODER:
                self._use_encoder(wire.parse_reason(message.body))
            case MessageKind.FAILED:
                reason = wire.parse_reason(message.body)
                self._detach()
                self.worker_lost(reason, blamed=True)
            case _:
                raise WireError(f"{message.kind.name} is not for the server")

    def worker_lost(self, reason: str, *, blamed: bool) -> None:
        """Start again, after a while and not for ever."""
        self._worker = None
        self._sent_track = None
        self._in_flight = 0
        if self._ended:
            return
        self._counts.restarts += 1
        self._backlog.reset()
        if blamed:
            self._beware()
        now = self._loop.time()
        self._losses.append(now)
        while now - self._losses[0] > _LOSS_WINDOW_SECONDS:
            self._losses.popleft()
        log.warning("transcode.worker_lost", reason=reason, losses=len(self._losses))
        if len(self._losses) >= _LOSSES:
            self._ended = True
            self._on_failed(reason)
            return
        delay = _BACKOFF_SECONDS * 2 ** (len(self._losses) - 1)
        self._retry = self._loop.call_later(min(delay, _LONGEST_BACKOFF_SECONDS), self._start)

    # Inside -------------------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._ended:
            self._starting = asyncio.ensure_future(self._attach())

    async def _attach(self) -> None:
        try:
            worker = await self._find_worker()
        except OSError as error:
            self.worker_lost(f"no worker: {error}", blamed=False)
            return
        if worker.lost:
            self.worker_lost("worker ended at once", blamed=False)
            return
        self._worker = worker
        self._number = worker.attach(self)
        if worker.ready:
            self.worker_ready()

    async def _find_worker(self) -> WorkerProcess:
        if isinstance(self._recipe, VideoRecipe):
            return await self._pool.private("video")
        if self._quarantined or self._owns_pool:
            return await self._pool.private("audio")
        return await self._pool.shared()

    def _detach(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.detach(self._number)

    def _beware(self) -> None:
        """A worker died over this track: keep it away from others, and drivers from it."""
        self._quarantined = True
        if isinstance(self._recipe, VideoRecipe):
            self._recipe = replace(self._recipe, encoder=SOFTWARE[self._recipe.codec])

    def _pump(self) -> None:
        worker, backlog = self._worker, self._backlog
        if worker is None or not worker.ready:
            return
        while self._in_flight < _IN_FLIGHT and backlog:
            packet, encode = backlog.take()
            if packet.track is not self._sent_track:
                if packet.track != self._sent_track:  # a new decoder, which a repeat is not worth
                    worker.send(MessageKind.TRACK, self._number, wire.build_track(packet.track))
                self._sent_track = packet.track
            self._in_flight += 1
            worker.send_packet(self._number, wire.build_packet(self._number, packet, encode=encode))

    def _hand_on(self, body: bytes) -> None:
        if self._made_track is None:
            raise WireError("PACKET before TRACK")
        packet, _ = wire.parse_packet(body, self._made_track)
        if not self._ended:
            self._counts.packets_out += 1
            self._on_packet(packet)

    def _checked_track(self, told: Track) -> Track:
        """The track, read from its configuration: a worker's word alone is not enough."""
        video = isinstance(self._recipe, VideoRecipe)
        try:
            if video != (told.kind is Kind.VIDEO):
                raise MediaError(f"a {told.kind} track")
            if video:
                size = {"width": told.width & 0x3FFF, "height": told.height & 0x3FFF}
                return video_track(told.codec, told.config, id=told.id, **size)
            return audio_track(told.codec, told.config, id=told.id)
        except (MediaError, ValueError) as error:
            raise WireError(f"TRACK message: {error}") from None

    def _use_encoder(self, name: str) -> None:
        self._counts.encoder = name
        if _leaves_choice(self._recipe):
            self._pool.encoder = name


def _leaves_choice(recipe: Recipe) -> TypeGuard[VideoRecipe]:
    """Whether what works here is to be found out, once for all."""
    if not isinstance(recipe, VideoRecipe):
        return False
    return recipe.codec is Codec.H264 and recipe.encoder == AUTO


__all__ = ["AudioRecipe", "TranscodeStats", "Transcoder", "VideoRecipe", "WorkerPool"]
