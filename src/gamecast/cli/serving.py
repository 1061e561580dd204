"""What ``gamecast serve`` does around the server: logs, first start, demo, a friendly word."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import structlog
import typer

from gamecast.cli.banner import first_start_text, ready_text
from gamecast.cli.demo import DEMO_CHANNEL, DemoPublisher, discard_demo_key, make_demo_key
from gamecast.cli.errors import USAGE, CliError
from gamecast.server.app import serve
from gamecast.server.config import ServeConfig
from gamecast.server.logs import configure_logging
from gamecast.server.ready import ReadyAddresses
from gamecast.store.errors import StoreError
from gamecast.store.store import Store

log = structlog.get_logger(__name__)

_OPEN_FILES = 65_536
"""Descriptors to ask for: each viewer over TCP is one."""


def run(config: ServeConfig) -> None:
    """Serve until told to stop. What keeps the server from starting becomes one line."""
    if config.server.demo and not config.rtmp.enabled:
        raise CliError("--demo publishes over RTMP, but rtmp.enabled is false", exit_status=USAGE)
    configure_logging(format=config.server.log_format, level=config.server.log_level)
    _raise_open_files_limit()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(config))
    except StoreError as error:
        raise CliError(str(error)) from None
    except OSError as error:  # a port in use or not permitted, a data directory not writable
        log.debug("serve.failed", exc_info=True)
        where = f"{error.filename}: " if error.filename else ""
        raise CliError(f"{where}{error.strerror or error}") from None


async def _serve(config: ServeConfig) -> None:
    demo_key = await _prepare(config)
    _warn_if_open(config)
    async with AsyncExitStack() as stack:

        def on_ready(addresses: ReadyAddresses) -> None:
            typer.echo(ready_text(config, addresses))
            _set_apart()
            if demo_key is not None:
                publisher = DemoPublisher(f"{addresses.rtmp}/live/{DEMO_CHANNEL}", demo_key)
                publisher.start()
                stack.push_async_callback(publisher.stop)

        await serve(config, on_ready=on_ready)
    if demo_key is not None:
        await _with_store(config, discard_demo_key)


async def _prepare(config: ServeConfig) -> str | None:
    """Make what the first start makes, and show it; make the demo's key, if there is to be one.

    The secrets go from here to the terminal. The server never sees them.
    """
    first = await _with_store(config, lambda store: store.ensure_first_start())
    if first is not None:
        typer.echo(first_start_text(first))
        sys.stdout.flush()
    return await _with_store(config, make_demo_key) if config.server.demo else None


async def _with_store(
    config: ServeConfig, work: Callable[[Store], Coroutine[Any, Any, Any]]
) -> Any:
    url = config.database.url.get_secret_value()
    async with await Store.open(data_dir=config.server.data_dir, url=url) as store:
        return await work(store)


def _warn_if_open(config: ServeConfig) -> None:
    if config.auth.publish == "open":
        log.warning("auth.open", hint='anybody can publish: auth.publish is "open"')


def _set_apart() -> None:
    """Take the program itself out of the cyclic garbage collector's sight.

    A full collection stops every stream while it lasts; what was loaded to start never dies.
    """
    gc.collect()
    gc.freeze()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows
        return None
    return uvloop.new_event_loop


def _raise_open_files_limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
