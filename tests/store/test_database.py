from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gamecast.store.channels import add_channel
from gamecast.store.database import Database
from gamecast.store.errors import StoreUnavailable
from gamecast.store.store import Store
from tests.support.events import until

ADD_CHANNELS = """
import asyncio, sys
from pathlib import Path
from gamecast.store.store import Store

async def main():
    async with await Store.open(data_dir=Path(sys.argv[1])) as store:
        for index in range(int(sys.argv[3])):
            await store.channels.create(f"{sys.argv[2]}-{index}")

asyncio.run(main())
"""


async def test_another_process_changes_what_this_one_has_open(store: Store, tmp_path: Path) -> None:
    await store.channels.create("mine")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", ADD_CHANNELS, str(tmp_path), "theirs", "1"],
        check=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert [channel.name for channel in await store.channels.list()] == ["mine", "theirs-0"]


async def test_processes_that_write_at_once_wait_for_each_other(
    store: Store, tmp_path: Path
) -> None:
    writers = [_start_writer(tmp_path, name) for name in ("a", "b")]
    for index in range(20):
        await store.channels.create(f"c-{index}")
    statuses = [await asyncio.to_thread(writer.wait, 60) for writer in writers]
    assert statuses == [0, 0]
    assert len(await store.channels.list()) == 60


def _start_writer(folder: Path, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", ADD_CHANNELS, str(folder), name, "20"])


async def test_readers_do_not_wait_for_a_writer(store: Store, tmp_path: Path) -> None:
    await store.channels.create("main")
    key = await store.keys.create("main")
    writer = sqlite3.connect(tmp_path / "gamecast.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE channels SET title = 'half done'")
    owner = await asyncio.wait_for(store.keys.owner_of(key), 2)
    assert owner is not None
    assert owner.title == ""
    writer.execute("COMMIT")
    writer.close()
    assert (await store.channels.show("main")).title == "half done"


async def test_many_questions_at_once_are_answered(store: Store) -> None:
    await store.channels.create("main")
    key = await store.keys.create("main")
    owners = await asyncio.gather(*(store.keys.owner_of(key) for _ in range(50)))
    assert all(owner is not None and owner.channel == "main" for owner in owners)


async def test_an_error_inside_a_transaction_undoes_it(store: Store) -> None:
    async def half() -> None:
        async with store._database.write() as session:
            await add_channel(session, "main", title="", now=store._clock())
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        await half()
    assert await store.channels.list() == []


async def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    async with await Store.open(data_dir=folder) as store:
        await store.channels.create("main")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in _files(folder)}
    assert modes.keys() >= {"gamecast.db", "gamecast.db-wal"}
    assert set(modes.values()) == {0o600}
    assert [file.name for file in _files(folder)] == ["gamecast.db"]  # the log is folded in


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_closed_store_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    async with await Store.open(data_dir=tmp_path) as store:
        await asyncio.gather(*(store.channels.list() for _ in range(4)))
        assert threading.active_count() > before
    await until(lambda: threading.active_count() <= before, "the end of its threads")


async def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="Not a directory"):
        await Database.open(data_dir=tmp_path / "file" / "data")


async def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    _write(tmp_path / "gamecast.db", b"this is no database" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await Database.open(data_dir=tmp_path)


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


async def test_errors_tell_neither_parameters_nor_passwords(store: Store, tmp_path: Path) -> None:
    await store.channels.create("main")
    key = await store.keys.create("main")
    damage = sqlite3.connect(tmp_path / "gamecast.db")
    damage.execute("DROP TABLE stream_keys")
    damage.close()
    with pytest.raises(StoreUnavailable) as caught:
        await store.keys.owner_of(key)
    assert str(caught.value) == "the database does not answer: no such table: stream_keys"
    assert caught.value.__cause__ is None
    for url in ("not a url with:secret@x", "postgresql+nothing://u:secret@h/d"):
        with pytest.raises(StoreUnavailable) as refused:
            await Database.open(data_dir=tmp_path, url=url)
        assert "secret" not in str(refused.value)


async def test_a_url_chooses_the_database(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/elsewhere.db"
    async with await Store.open(data_dir=tmp_path / "unused", url=url) as store:
        await store.channels.create("main")
    assert [file.name for file in _files(tmp_path)] == ["elsewhere.db"]
