from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.capture.x11.windows import Painter
from tests.support.obs import Screen


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an X server of 640x360 without a window manager."""
    folder: Path = tmp_path_factory.mktemp("screen")
    running = Screen(folder)
    environment = {"DISPLAY": running.display, "HOME": str(folder)}
    # An X server starts afresh, and hangs up on newcomers, when its last client leaves.
    with running.process, Painter(environment):
        yield environment


@pytest.fixture
def painter(screen: dict[str, str]) -> Iterator[Painter]:
    """Makes windows; they are gone after the test."""
    with Painter(screen) as painting:
        yield painting
