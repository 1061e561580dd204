"""A real server with one stream on air, for viewers of every protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer, command
from tests.support.process import Process

_OPEN = {"GAMECAST_AUTH__PUBLISH": "open"}


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    with GamecastServer(tmp_path_factory.mktemp("bench"), settings=_OPEN) as running:
        yield running


@pytest.fixture(scope="package")
def on_air(server: GamecastServer) -> Iterator[str]:
    """The name of a stream of 2 Mbit/s with Opus, published by ``gamecast bench publish``."""
    arguments = command("bench", "publish", f"{server.rtmp}/live/fed", "--audio", "opus")
    process = Process(
        [*arguments, "--bitrate", "2", "--fps", "30", "--keyframe-interval", "1"],
        log=server.folder / "publish.log",
    )
    with process:
        wait_until(lambda: "1 publishing" in process.output, "the publisher", within=30)
        server.wait_on_air("fed")
        yield "fed"
