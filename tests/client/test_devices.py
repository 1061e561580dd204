import json
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gamecast.cli.main import app
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.x11.display import Screen
from gamecast.client.capture.x11.grab import open_region, open_screen
from gamecast.client.capture.x11.wire import Geometry
from gamecast.client.devices import Absence, Device, devices
from tests.client.capture.x11.conftest import painter, screen
from tests.client.capture.x11.windows import Painter

__all__ = ["painter", "screen"]


def test_every_window_comes_with_an_option_that_finds_it(
    painter: Painter, screen: dict[str, str]
) -> None:
    painter.create("Space Game (demo) 2.0", x=0, y=0, width=100, height=80)
    found = [each for each in devices(screen) if isinstance(each, Device)]
    options = {each.option for each in found if each.kind in ("screen", "window")}
    assert options == {"--screen 0", r"--window 'Space Game \(demo\) 2\.0'"}
    assert [each.detail for each in found if each.kind == "screen"] == ["640x360+0+0"]


def test_what_is_absent_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    absent = {each.kind: each.problem for each in devices({}) if isinstance(each, Absence)}
    assert "DISPLAY is not set" in absent["screen"]
    assert "no sound server: Connection refused" in absent["sound"]
    wayland = [each for each in devices({"WAYLAND_DISPLAY": "w"}) if isinstance(each, Absence)]
    assert "Wayland" in wayland[0].problem


def test_the_x_server_of_wayland_offers_windows_only(
    painter: Painter, screen: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gamecast.client.capture.x11.display.Display.screens",
        lambda self: [Screen(0, "XWAYLAND0", Geometry(0, 0, 640, 360))],
    )
    painter.create("Game", x=0, y=0, width=100, height=80)
    found = list(devices(screen))
    assert [each.option for each in found if isinstance(each, Device)][:1] == ["--window Game"]
    assert any(isinstance(each, Absence) and "--window" in each.problem for each in found)
    with pytest.raises(SourceError, match="Wayland"):
        open_screen(0, Fraction(30), environ=screen)
    with pytest.raises(SourceError, match="Wayland"):
        open_region(Geometry(0, 0, 64, 64), Fraction(30), environ=screen)


def test_the_command(screen: dict[str, str], painter: Painter) -> None:
    painter.create("Game", x=0, y=0, width=100, height=80)
    result = CliRunner().invoke(app, ["devices"], env=screen)
    assert result.exit_code == 0
    assert "--window Game" in result.output
    result = CliRunner().invoke(app, ["devices", "--json"], env=screen)
    names = [each["name"] for each in json.loads(result.output)["devices"]]
    assert "Game" in names
