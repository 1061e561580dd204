from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from gamecast.store import migrate
from gamecast.store.errors import StoreUnavailable
from gamecast.store.models import Base
from gamecast.store.store import Store


def _by_alembic(file: Path) -> None:
    """Every revision from the first, as an old database would get them."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        migrate._upgrade(connection, "base")
    engine.dispose()


def _schema(file: Path) -> dict[str, set[str]]:
    """Each table's or index's parts, without the order and spacing of its statement."""
    connection = sqlite3.connect(file)
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    connection.close()
    return {name: _parts(sql) for name, sql in rows}


def _parts(sql: str) -> set[str]:
    head, _, body = " ".join(sql.split()).partition("(")
    parts = re.split(r",(?![^(]*\))", body.rpartition(")")[0])
    return {head.strip(), *(part.strip() for part in parts)}


async def test_the_models_and_the_migrations_make_the_same_tables(tmp_path: Path) -> None:
    async with await Store.open(data_dir=tmp_path):
        pass
    await asyncio.to_thread(_by_alembic, tmp_path / "migrated.db")
    made, migrated = _schema(tmp_path / "gamecast.db"), _schema(tmp_path / "migrated.db")
    assert made == migrated
    assert made.keys() >= {"channels", "stream_keys", "api_tokens", "admin_users"}


def test_head_is_the_newest_revision() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


async def test_an_upgraded_database_works(tmp_path: Path) -> None:
    await asyncio.to_thread(_by_alembic, tmp_path / "gamecast.db")
    async with await Store.open(data_dir=tmp_path) as store:
        assert await store.ensure_first_start() is not None
        assert [channel.name for channel in await store.channels.list()] == ["main"]


def test_migrations_can_be_undone(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))

    def both(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.downgrade(config, "base")

    with engine.begin() as connection:
        both(connection)
    engine.dispose()
    assert _schema(tmp_path / "x.db").keys() == {"alembic_version"}


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    async with await Store.open(data_dir=tmp_path):
        pass
    _stamp(tmp_path / "gamecast.db", "9999")
    before = _read(tmp_path / "gamecast.db")
    with pytest.raises(StoreUnavailable, match=r"9999.*newer Gamecast"):
        await Store.open(data_dir=tmp_path)
    assert _read(tmp_path / "gamecast.db") == before


def _stamp(file: Path, revision: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _read(file: Path) -> bytes:
    return file.read_bytes()


def test_an_up_to_date_database_opens_without_alembic(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from gamecast.store.store import Store\n"
        f"async def main(): await (await Store.open(data_dir=Path({str(tmp_path)!r}))).close()\n"
        "asyncio.run(main()); asyncio.run(main()); print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


def test_processes_that_start_together_make_the_tables_once(tmp_path: Path) -> None:
    code = (
        "import asyncio; from pathlib import Path; from gamecast.store.store import Store\n"
        "async def main():\n"
        f"    async with await Store.open(data_dir=Path({str(tmp_path)!r})) as store:\n"
        "        print('made' if await store.ensure_first_start() else 'found')\n"
        "asyncio.run(main())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = sorted(process.communicate(timeout=60)[0] for process in started)
    assert said == ["found\n", "found\n", "made\n"]


def test_every_constraint_has_a_name() -> None:
    for table in Base.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints)
