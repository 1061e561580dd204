"""A publisher for the pages' tests: ffmpeg's moving test picture with a tone."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.ffmpeg import publish_scene
from tests.support.gamecast import GamecastServer
from tests.support.process import Process

ENCODE = [
    *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30"),
    *("-pix_fmt", "yuv420p", "-b:v", "600k", "-c:a", "aac", "-ac", "2", "-b:a", "64k"),
]
"""320x180 at 30 fps with a keyframe each second: cheap, and no B-frames."""


class Scene:
    """A stream on air until the ``with`` block ends; it can stop and start within it."""

    def __init__(
        self, server: GamecastServer, name: str, folder: Path, *, options: list[str] | None = None
    ) -> None:
        self._server = server
        self._folder = folder
        self._options = options or ENCODE
        self._process: Process | None = None
        self.name = name

    def start(self) -> None:
        """Publish, and wait until the server shows the stream."""
        url = f"{self._server.rtmp}/live/{self.name}"
        self._process = publish_scene(url, folder=self._folder, options=self._options)
        self._server.wait_on_air(self.name, tracks=1)

    def kill(self) -> None:
        """End the encoder without a farewell, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def stop(self) -> None:
        """End the encoder as its user would: the stream ends at once."""
        if self._process is not None:
            self._process.stop()
            self._process.kill()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
