"""What can be tested of it elsewhere: what FFmpeg is asked for, and in which order."""

from __future__ import annotations

import sys
from fractions import Fraction

import av
import pytest

from gamecast.client.capture import windows, windows_list
from gamecast.client.capture.device import Grab
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.window import WindowSource
from gamecast.client.capture.windows import (
    Attempt,
    WindowsDesktop,
    copy_window,
    duplicate,
    open_first,
    region_attempts,
    screen_attempts,
    window_grabbers,
)
from gamecast.client.capture.x11.display import Screen, Window
from gamecast.client.capture.x11.wire import Geometry

FPS = Fraction(60)
SCREENS = windows_list.number(
    [
        (False, r"\\.\DISPLAY1", Geometry(-1280, 0, 1280, 1024)),
        (True, r"\\.\DISPLAY2", Geometry(0, 0, 1920, 1080)),
    ]
)
PICTURE = Grab("lavfi", "testsrc=size=64x48:rate=30,realtime", {})


def test_the_primary_screen_is_number_0() -> None:
    assert [(each.number, each.name[-1]) for each in SCREENS] == [(0, "2"), (1, "1")]


def test_a_screen_is_duplicated_first_and_copied_else() -> None:
    first, second = screen_attempts(1, SCREENS, FPS, cursor=False)
    assert first.grab.format == "lavfi"
    assert first.grab.address == (
        "ddagrab=output_idx=1:framerate=60:draw_mouse=0,hwdownload,format=bgra"
    )
    assert first.size == (1280, 1024)
    assert (second.grab.format, second.grab.address) == ("gdigrab", "desktop")
    assert second.grab.options == {
        "framerate": "60",
        "draw_mouse": "0",
        "offset_x": "-1280",
        "offset_y": "0",
        "video_size": "1280x1024",
    }
    with pytest.raises(SourceError, match="no screen 2: there are screens 0 to 1"):
        screen_attempts(2, SCREENS, FPS, cursor=True)


def test_a_region_is_duplicated_where_there_is_one_screen() -> None:
    area = Geometry(100, 50, 640, 360)
    grabs = [each.grab for each in region_attempts(area, SCREENS, FPS, cursor=True)]
    assert [each.format for each in grabs] == ["gdigrab"]
    alone = [Screen(0, "x", Geometry(0, 0, 1920, 1080))]
    grabs = [each.grab for each in region_attempts(area, alone, FPS, cursor=True)]
    assert [each.format for each in grabs] == ["lavfi", "gdigrab"]
    assert ":offset_x=100:offset_y=50:video_size=640x360," in grabs[0].address
    outside = Geometry(1800, 50, 640, 360)
    assert len(region_attempts(outside, alone, FPS, cursor=True)) == 1


def test_a_window_is_captured_if_ffmpeg_can_and_copied_else() -> None:
    window = Window(0x70A2, "Space: Game [2]", Geometry(0, 0, 800, 600))
    better, last = window_grabbers({"gfxcapture", "scale"})
    assert better(window, FPS, cursor=True).address == (
        "gfxcapture=hwnd=28834:max_framerate=60:capture_cursor=1,hwdownload,format=bgra"
    )
    assert last(window, FPS, cursor=True).address == "title=Space: Game [2]"
    assert window_grabbers({"scale"}) == [copy_window]


def test_the_first_that_works_is_taken_and_the_reason_said() -> None:
    """On this machine FFmpeg has no ddagrab: the real refusal."""
    wrong = Attempt(PICTURE, (1920, 1080))
    attempts = [Attempt(duplicate(0, FPS, cursor=True)), wrong, Attempt(PICTURE, (64, 48))]
    source = open_first(attempts, Fraction(30), name="screen 0")
    source.stop()
    assert len(source.notes) == 2
    assert "No such filter: 'ddagrab'" in source.notes[0]
    assert "counts otherwise" in source.notes[1]
    with pytest.raises(SourceError, match=r"screen 0 cannot be captured: .*ddagrab"):
        open_first(attempts[:1], FPS, name="screen 0")


class OneWindow(WindowsDesktop):
    """The desktop that this machine has not, before a picture that it has."""

    def windows(self) -> list[Window]:
        return [
            Window(1, "Space Editor", Geometry(0, 0, 10, 10)),
            Window(2, "Space Game 2.0", Geometry(0, 0, 64, 48)),
        ]


def test_an_expression_becomes_a_whole_title() -> None:
    asked: list[str] = []

    def picture(window: Window, fps: Fraction, *, cursor: bool) -> Grab:
        asked.append(copy_window(window, fps, cursor=cursor).address)
        return PICTURE

    source = WindowSource(r"space game \d", FPS, OneWindow(picture, FPS, cursor=True))
    source.stop()
    assert asked == ["title=Space Game 2.0"]
    with pytest.raises(SourceError, match="no window matches 'chess'; there are: 'Space Editor'"):
        WindowSource("chess", FPS, OneWindow(picture, FPS, cursor=True))


def test_who_gets_the_lesser_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg's test picture in the place of gdigrab, for the one window there is."""
    window = Window(2, "Space Game", Geometry(0, 0, 64, 48))
    monkeypatch.setattr(windows_list, "windows", lambda: [window])
    monkeypatch.setattr(windows, "copy_window", lambda *_, **__: PICTURE)
    source = windows.open_window("game", FPS, cursor=True)
    source.stop()
    assert source.name == "window 'Space Game'"
    assert source.notes == (windows.NO_GFXCAPTURE,)


@pytest.mark.skipif(sys.platform == "win32", reason="asks about other systems")
def test_other_systems_have_no_such_lists() -> None:
    assert windows_list.screens() == []
    assert windows_list.windows() == []
    assert windows_list.geometry(1) is None
    assert "gdigrab" not in av.formats_available
