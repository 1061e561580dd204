"""What can be tested of it elsewhere: what FFmpeg is asked for, and where it is cut."""

from __future__ import annotations

import sys
from fractions import Fraction

import pytest

from gamecast.client.capture import macos, macos_list
from gamecast.client.capture.crop import Share
from gamecast.client.capture.device import Grab
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.x11.display import Screen, Window
from gamecast.client.capture.x11.wire import Geometry

FPS = Fraction(60)
SCREENS = [
    Screen(0, "Capture screen 0", Geometry(0, 0, 1440, 900)),
    Screen(1, "Capture screen 1", Geometry(1440, 0, 1280, 720)),
]


def test_a_screen() -> None:
    grab = macos.screen_grab(1, FPS, cursor=False)
    assert (grab.format, grab.address) == ("avfoundation", "Capture screen 1")
    assert grab.options == {"framerate": "60", "capture_cursor": "0", "pixel_format": "uyvy422"}
    assert grab.crop is None


def test_an_area_is_cut_from_the_screen_that_has_most_of_it() -> None:
    grab = macos.area_grab(Geometry(1240, 0, 640, 360), SCREENS, FPS, cursor=True)
    assert grab is not None
    assert grab.address == "Capture screen 1"
    assert grab.crop == Share(0.0, 0.0, 440 / 1280, 0.5)
    assert macos.area_grab(Geometry(0, 1000, 64, 64), SCREENS, FPS, cursor=True) is None


def test_titles() -> None:
    assert macos_list.title_of("Space Game", "") == "Space Game"
    assert macos_list.title_of("Space Game", "Space Game") == "Space Game"
    assert macos_list.title_of("Terminal", "vim") == "Terminal - vim"


class OneWindow(macos.MacDesktop):
    """A desktop whose window is where the test says."""

    place = Geometry(0, 0, 720, 450)

    def windows(self) -> list[Window]:
        return [Window(7, "Game", self.place)]

    def grab(self, window: Window) -> Grab:
        real = macos.area_grab(window.geometry, SCREENS, FPS, cursor=True)
        assert real is not None
        picture = f"testsrc=size={64 + int(real.address[-1])}x48:rate=30,realtime"
        return Grab("lavfi", picture, {}, real.crop)


def test_a_window_is_followed_over_its_screen_and_to_the_next() -> None:
    desktop = OneWindow(FPS, cursor=True)
    source = macos.MacWindowSource("game", FPS, desktop)
    assert source.video_format is not None
    assert (source.video_format.width, source.video_format.height) == (32, 24)
    assert not source.changed(Geometry(0, 0, 720, 450))
    assert not source.changed(Geometry(300, 200, 720, 450))
    assert source.window.geometry.x == 300
    assert source.changed(Geometry(1600, 200, 720, 450))
    source.stop()


@pytest.mark.skipif(sys.platform == "darwin", reason="asks about other systems")
def test_other_systems_have_no_such_lists() -> None:
    assert macos_list.screens() == []
    assert macos_list.windows() == []
    assert macos.cameras() == {}
    with pytest.raises(SourceError, match=r"region 64x64\+0\+0 is on no screen"):
        macos.open_region(Geometry(0, 0, 64, 64), FPS, cursor=True)
    with pytest.raises(SourceError, match=r"no window matches 'x'.*Screen Recording"):
        macos.open_window("x", FPS, cursor=True)
