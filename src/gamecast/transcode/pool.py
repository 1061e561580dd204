"""Which worker process serves which line, and how long a process is kept."""

from __future__ import annotations

import asyncio

from gamecast.transcode.process import WorkerProcess

_LINGER_SECONDS = 15.0
AUTO = "auto"


class WorkerPool:
    """Audio lines share processes, for each weighs some 60 MB; a video line has its own.

    One pool serves a whole server. ``encoder`` is what the first worker found to work.
    """

    def __init__(self, *, lines_per_worker: int = 32) -> None:
        self.encoder = AUTO
        """FFmpeg's name of the H.264 encoder for ``auto``, once one has been tried."""
        self._lines_per_worker = lines_per_worker
        self._shared: dict[WorkerProcess, asyncio.TimerHandle | None] = {}
        self._all: set[WorkerProcess] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self._closed = False

    @property
    def processes(self) -> list[WorkerProcess]:
        """The processes that are not on their way out."""
        return list(self._all)

    async def shared(self) -> WorkerProcess:
        """An audio worker with room for another line; raises ``OSError``."""
        async with self._starting:
            for worker, linger in self._shared.items():
                if not worker.lost and len(worker.lines) < self._lines_per_worker:
                    if linger is not None:
                        linger.cancel()
                    self._shared[worker] = self._linger(worker)
                    return worker
            worker = await self._start("audio", shared=True)
            self._shared[worker] = self._linger(worker)
            return worker

    async def private(self, kind: str) -> WorkerProcess:
        """A worker for one line, ``"audio"`` or ``"video"``; raises ``OSError``."""
        return await self._start(kind, shared=False)

    async def close(self) -> None:
        """End all processes and wait for them."""
        self._closed = True
        for linger in self._shared.values():
            if linger is not None:
                linger.cancel()
        self._shared.clear()
        for worker in list(self._all):
            self._end(worker)
        while self._endings:
            await asyncio.wait(self._endings)

    async def _start(self, kind: str, *, shared: bool) -> WorkerProcess:
        if self._closed:
            raise OSError("the transcode workers have been ended")
        worker = WorkerProcess(kind, on_idle=self._linger_on if shared else self._end)
        self._all.add(worker)
        try:
            await worker.start()
        except OSError:
            self._all.discard(worker)
            raise
        if self._closed:
            self._end(worker)
            raise OSError("the transcode workers have been ended")
        return worker

    def _linger_on(self, worker: WorkerProcess) -> None:
        if worker.lost or worker not in self._shared:
            self._end(worker)
            return
        linger = self._shared[worker]
        if linger is not None:
            linger.cancel()
        self._shared[worker] = self._linger(worker)

    def _linger(self, worker: WorkerProcess) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(_LINGER_SECONDS, self._end_if_idle, worker)

    def _end_if_idle(self, worker: WorkerProcess) -> None:
        if worker.lines:
            self._shared[worker] = None
        else:
            self._end(worker)

    def _end(self, worker: WorkerProcess) -> None:
        linger = self._shared.pop(worker, None)
        if linger is not None:
            linger.cancel()
        if worker not in self._all:
            return
        self._all.discard(worker)
        task = asyncio.ensure_future(worker.close())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
