"""OBS Studio under Xvfb: a home of its own, default output settings, one looping media source."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.events import wait_until
from tests.support.peers import require
from tests.support.process import Process

SCREEN = "640x360x24"
"""OBS takes its canvas from the screen, so a small screen makes default settings light."""


class Screen:
    """An X server without hardware, on a display number that it chooses itself."""

    def __init__(self, folder: Path) -> None:
        numbers = folder / "display"
        with numbers.open("wb") as output:
            self.process = Process(
                [
                    *(require("Xvfb"), "-displayfd", str(output.fileno())),
                    *("-screen", "0", SCREEN, "-nolisten", "tcp"),
                ],
                log=folder / "xvfb.log",
                pass_fds=(output.fileno(),),
            )
        number = wait_until(
            lambda: numbers.read_text("ascii").strip(), "the display number of Xvfb", within=20
        )
        self.display = f":{number}"


class ObsStudio:
    """Starts streaming to ``server`` with ``key`` as soon as it is up; a context manager."""

    def __init__(self, folder: Path, *, server: str, key: str, media: Path) -> None:
        self._folder = folder
        self._home = folder / "obs-home"
        self._write_settings(server=server, key=key, media=media)
        self._screen: Screen | None = None
        self.process: Process | None = None

    @property
    def log(self) -> str:
        """What OBS has logged."""
        return self.process.output if self.process else ""

    def wait_for_log(self, text: str) -> None:
        """Wait until OBS has logged ``text``."""
        assert self.process is not None
        self.process.wait_for_output(text, timeout=30)

    def __enter__(self) -> Self:
        program = require("obs")
        self._screen = Screen(self._folder)
        runtime = self._home / "run"
        runtime.mkdir(mode=0o700)
        self.process = Process(
            [
                *(program, "--multi", "--startstreaming", "--disable-updater"),
                *("--disable-missing-files-check", "--profile", "Test", "--collection", "Test"),
            ],
            log=self._folder / "obs.log",
            env={
                "HOME": str(self._home),
                "XDG_CONFIG_HOME": str(self._home / ".config"),
                "XDG_RUNTIME_DIR": str(runtime),
                "DISPLAY": self._screen.display,
                "QT_QPA_PLATFORM": "xcb",
                "LIBGL_ALWAYS_SOFTWARE": "1",
            },
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process:
            self.process.kill()
        if self._screen:
            self._screen.process.kill()

    def _write_settings(self, *, server: str, key: str, media: Path) -> None:
        root = self._home / ".config" / "obs-studio"
        profile = root / "basic" / "profiles" / "Test"
        scenes = root / "basic" / "scenes"
        profile.mkdir(parents=True)
        scenes.mkdir(parents=True)
        (root / "global.ini").write_text(GLOBAL_INI, "utf-8")
        (profile / "basic.ini").write_text("[General]\nName=Test\n", "utf-8")
        service = {"type": "rtmp_custom", "settings": {"server": server, "key": key}}
        (profile / "service.json").write_text(json.dumps(service), "utf-8")
        (scenes / "Test.json").write_text(json.dumps(_scene_collection(media)), "utf-8")


GLOBAL_INI = """[General]
FirstRun=true
LastVersion=486539266
EnableAutoUpdates=false

[Basic]
Profile=Test
ProfileDir=Test
SceneCollection=Test
SceneCollectionFile=Test
ConfigOnNewProfile=false
"""


def _scene_collection(media: Path) -> dict[str, object]:
    """One scene with one media source that loops."""
    source = {
        "id": "ffmpeg_source",
        "name": "clip",
        "settings": {"local_file": str(media), "looping": True, "is_local_file": True},
    }
    scene = {
        "id": "scene",
        "name": "Scene",
        "settings": {"items": [{"name": "clip", "visible": True, "id": 1}], "id_counter": 1},
    }
    return {
        "name": "Test",
        "current_scene": "Scene",
        "current_program_scene": "Scene",
        "scene_order": [{"name": "Scene"}],
        "sources": [source, scene],
    }
