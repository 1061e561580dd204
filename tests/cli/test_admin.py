from __future__ import annotations

import asyncio
import re
from pathlib import Path

from gamecast.store.store import Store
from tests.cli.conftest import Run


def test_a_new_password_works_and_is_all_that_is_printed(run: Run, data_dir: Path) -> None:
    printed = run("admin", "password").output
    assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}\n", printed)

    async def verify() -> bool:
        async with await Store.open(data_dir=data_dir) as store:
            return await store.admins.verify("admin", printed.strip())

    assert asyncio.run(verify())
