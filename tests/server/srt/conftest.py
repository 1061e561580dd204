"""Servers for the real peers: one in the clear, one with passphrases."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.gamecast import GamecastServer

PASSPHRASE = "correct horse battery"
IMPATIENT = {"GAMECAST_SRT__IDLE_TIMEOUT": "2"}
"""Peers that are killed are gone sooner than after the usual 5 s."""


def srt_url(server: GamecastServer, stream_id: str, **options: object) -> str:
    """The URL for libsrt's callers."""
    ready = json.loads((server.data_dir / "ready.json").read_text("utf-8"))
    rest = "".join([f"&{name}={value}" for name, value in options.items()])
    return f"{ready['srt']}?streamid={stream_id}{rest}"


@pytest.fixture(scope="session")
def clear_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """Keys are needed, encryption is not allowed."""
    settings = {"GAMECAST_STREAM__GRACE_SECONDS": "2", **IMPATIENT}
    with GamecastServer(tmp_path_factory.mktemp("srt"), settings=settings) as server:
        yield server


@pytest.fixture(scope="session")
def secure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """Keys and a passphrase are needed."""
    settings = {
        "GAMECAST_STREAM__GRACE_SECONDS": "1",
        "GAMECAST_SRT__PASSPHRASE": PASSPHRASE,
        **IMPATIENT,
    }
    with GamecastServer(tmp_path_factory.mktemp("srts"), settings=settings) as server:
        yield server
