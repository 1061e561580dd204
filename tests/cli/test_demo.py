from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gamecast.cli import demo
from gamecast.cli.demo import DemoPublisher, discard_demo_key, make_demo_key
from gamecast.store.store import Store
from tests.support.events import until


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(data_dir=tmp_path) as opened:
        yield opened


async def test_each_run_has_a_key_of_its_own(store: Store) -> None:
    first = await make_demo_key(store)
    second = await make_demo_key(store)  # the run before was killed and left its key
    assert await store.keys.owner_of(first) is None
    owner = await store.keys.owner_of(second)
    assert owner is not None
    assert owner.channel == "demo"
    await discard_demo_key(store)
    assert await store.keys.list("demo") == []


async def test_a_demo_channel_of_the_users_keeps_its_keys(store: Store) -> None:
    await store.channels.create("demo", title="Mine")
    own = await store.keys.create("demo")
    await make_demo_key(store)
    await discard_demo_key(store)
    assert await store.keys.owner_of(own) is not None
    assert (await store.channels.show("demo")).title == "Mine"


async def test_a_publisher_that_cannot_connect_ends_on_stop() -> None:
    publisher = DemoPublisher("rtmp://127.0.0.1:1/live/demo", "gc_none")
    publisher.start()
    await until(lambda: _child() is not None, "the publisher's process")
    pid = _child()
    await asyncio.wait_for(publisher.stop(), 10)
    assert not _exists(Path(f"/proc/{pid}"))


async def test_a_publisher_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_PATIENCE", 0.2)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " print('deaf', file=sys.stderr, flush=True); time.sleep(60)",
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    await process.stderr.readline()
    await asyncio.wait_for(demo._end(process), 10)
    assert process.returncode == -9


async def test_stopping_what_never_started_is_harmless() -> None:
    await DemoPublisher("rtmp://127.0.0.1:1/live/demo", "gc_none").stop()


async def test_only_the_end_of_what_it_says_is_kept() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"x" * 100_000 + b"\nlast words\n")
    stream.feed_eof()
    assert await demo._read_tail(stream) == "last words"


def _child() -> int | None:
    import os

    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                arguments = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if f"demo_child\0{os.getpid()}\0".encode() in arguments:
                return int(folder.name)
    return None


def _exists(path: Path) -> bool:
    return path.exists()
