"""A whole server on loopback, in the loop of the test, with a store of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from gamecast.relay.stream import Stream
from gamecast.server.app import Server
from gamecast.server.config import ServeConfig
from gamecast.store.store import Store

MakeSite = Callable[..., Awaitable["Site"]]
Address = tuple[str, int]

_SECTIONS: dict[str, dict[str, object]] = {
    "server": {"host": "127.0.0.1"},
    "http": {"port": 0},
    "rtmp": {"port": 0, "tls_port": 0},
    "srt": {"port": 0},
    "ice": {"port": 0},
    "stream": {"grace_seconds": 0},
}


@dataclass(slots=True, kw_only=True)
class Site:
    """A running server and how to reach it. The channel ``main`` is there, with one key."""

    server: Server
    store: Store
    key: str
    base_url: str
    http: Address
    rtmp: Address
    rtmps: Address | None
    srt: Address
    browser: httpx.AsyncClient
    stopped: bool = False

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET with headers (``_`` for ``-`` in their names)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.browser.get(path, headers=named)

    async def json(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stream(self, name: str = "main") -> Stream:
        """A stream that is on air."""
        stream = self.server.directory.get(name)
        assert stream is not None
        return stream

    async def stop(self) -> None:
        """Stop the server, once."""
        if not self.stopped:
            self.stopped = True
            await self.server.stop()

    async def close(self) -> None:
        """Stop the server and close its store."""
        await self.browser.aclose()
        await self.stop()
        await self.store.close()


async def open_site(folder: Path, **sections: object) -> Site:
    """Start a server; ``sections`` are tables of the configuration file."""
    store = await Store.open(data_dir=folder)
    await store.channels.create("main", title="The first")
    key = await store.keys.create("main")
    server = Server(_config(folder, sections), store)
    addresses = await server.start()
    return Site(
        server=server,
        store=store,
        key=key,
        base_url=addresses.http,
        http=_address(addresses.http),
        rtmp=_address(addresses.rtmp),
        rtmps=_address(addresses.rtmps) if addresses.rtmps else None,
        srt=_address(addresses.srt),
        browser=httpx.AsyncClient(base_url=addresses.http, verify=False, timeout=10),
    )


def _config(folder: Path, sections: dict[str, object]) -> ServeConfig:
    merged: dict[str, dict[str, object]] = {name: dict(keys) for name, keys in _SECTIONS.items()}
    merged["server"]["data_dir"] = folder
    for name, keys in sections.items():
        assert isinstance(keys, dict)
        merged[name] = {**merged.get(name, {}), **keys}
    return ServeConfig.model_validate(merged)


def _address(url: str) -> Address:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


async def turns(count: int = 5) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)
