"""The real server as a child process, set up by its own command line."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from typer.testing import CliRunner

from gamecast.cli.main import app
from tests.support.events import wait_until
from tests.support.process import Process

UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE

ANY_PORTS = ["--http-port", "0", "--rtmp-port", "0", "--srt-port", "0", "--ice-port", "0"]


def command(*arguments: str | Path) -> list[str]:
    """The program as a user starts it, in this interpreter."""
    return [sys.executable, "-m", "gamecast", *map(str, arguments)]


class GamecastServer:
    """``gamecast serve`` on free loopback ports; a context manager that ends it as systemd would.

    ``settings`` are environment variables (``GAMECAST_<SECTION>__<KEY>``), ``options`` go to the
    command line.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self._settings = dict(settings or {})
        self._options = options
        self.ready: dict[str, Any] = {}
        """What ``ready.json`` says."""
        self._key: str | None = None
        self.process: Process | None = None

    def start(self) -> Self:
        """Start it and wait for ``ready.json``."""
        arguments = command("serve", "--data-dir", self.data_dir, "--host", "127.0.0.1", *ANY_PORTS)
        process = Process(
            [*arguments, *self._options],
            log=self.folder / "gamecast.log",
            env=self._settings,
            cwd=self.folder,
        )
        self.process = process
        path = self.data_dir / "ready.json"
        wait_until(lambda: path.exists() or not process.running, "ready.json", within=30)
        assert process.running, f"gamecast serve ended:\n{self.log}"
        self.ready = json.loads(path.read_text("utf-8"))
        assert self.ready["pid"] == process.pid
        return self

    def stop(self) -> None:
        """SIGTERM; the exit status must be 0 and ``ready.json`` gone."""
        assert self.process is not None
        process, self.process = self.process, None
        with process:
            status = process.stop()
        assert status == 0, f"exit status {status}:\n{self.log[-6000:]}"
        assert not (self.data_dir / "ready.json").exists()

    @property
    def log(self) -> str:
        """Everything that the server has printed."""
        return (self.folder / "gamecast.log").read_text("utf-8", errors="replace")

    def run(self, *arguments: str) -> str:
        """Run another ``gamecast`` command on the same data; its standard output, stripped."""
        group, action, *rest = arguments
        done = subprocess.run(
            command(group, action, "--data-dir", self.data_dir, *rest),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env={**os.environ, **self._settings},
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: status {done.returncode}\n{done.stderr}"
        return done.stdout.strip()

    def new_key(self, channel: str) -> str:
        """A fresh stream key of a channel that exists.

        The same command in this process, as half of the tests need a key and Python starts slowly.
        It has a loop of its own and so a thread of its own: the test may have a loop too.
        """
        arguments = ["key", "create", "--data-dir", str(self.data_dir), channel]
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(CliRunner().invoke, app, arguments, env=self._settings).result()
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout.strip()

    @property
    def key(self) -> str:
        """A stream key of ``main``, made on first use."""
        if self._key is None:
            self._key = self.new_key("main")
        return self._key

    @property
    def http(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return str(self.ready["http"])

    @property
    def rtmp(self) -> str:
        """``rtmp://127.0.0.1:<port>``."""
        return str(self.ready["rtmp"])

    @property
    def rtmp_address(self) -> tuple[str, int]:
        """Host and port, for tests that speak to the socket themselves."""
        parts = urlsplit(self.rtmp)
        return str(parts.hostname), int(parts.port or 0)

    def publish_url(self, key: str | None = None) -> str:
        """Where an encoder with that stream key sends to; the default is a key of ``main``."""
        return f"{self.rtmp}/live/{key or self.key}"

    def play_url(self, form: str, name: str = "main") -> str:
        """The URL of one way to watch: ``rtmp``, ``srt``, ``flv``, ``mp4``, ``ts`` or ``hls``."""
        if form == "rtmp":
            return f"{self.rtmp}/live/{name}"
        if form == "srt":
            return f"{self.ready['srt']}?streamid=#!::r=live/{name},m=request"
        suffix = "/index.m3u8" if form == "hls" else f".{form}"
        return f"{self.http}/live/{name}{suffix}"

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET; error statuses are answers like any other."""
        try:
            url = self.http + path
            with urllib.request.urlopen(url, timeout=10, context=UNVERIFIED) as answer:
                return int(answer.status), bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def stream(self, name: str = "main") -> dict[str, Any] | None:
        """What the API says of a stream, or ``None`` when it is not on air."""
        status, body = self.get(f"/api/v1/streams/{name}")
        if status == 404:
            return None
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    def wait_on_air(self, name: str = "main", *, tracks: int = 2) -> dict[str, Any]:
        """Wait until a stream is on air with that many tracks, and return its description."""

        def probe() -> dict[str, Any] | None:
            found = self.stream(name)
            return found if found and len(found["tracks"]) >= tracks else None

        try:
            return wait_until(probe, f"{name} on air with {tracks} tracks", within=20)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-6000:]}") from None

    def wait_off_air(self, name: str = "main", *, timeout: float = 30) -> None:
        """Wait until a stream has ended, grace time included."""
        wait_until(lambda: self.stream(name) is None, f"{name} off air", within=timeout)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self._kill()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self.process is not None:
                self.stop()
        finally:
            self._kill()

    def _kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process = None
