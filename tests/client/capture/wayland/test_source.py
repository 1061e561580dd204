"""Against the real thing: sway, xdg-desktop-portal, its wlroots back end, PipeWire, GStreamer."""

import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from gamecast.cli import doctor_capture
from gamecast.cli.findings import State
from gamecast.client.capture.desktop import open_desktop_region, open_desktop_screen
from gamecast.client.capture.source import Source, SourceError, Timeline
from gamecast.client.capture.wayland.gstreamer import missing
from gamecast.client.capture.wayland.source import open_portal_window
from gamecast.client.capture.wayland.tokens import tokens_path
from gamecast.client.capture.x11.wire import Geometry
from gamecast.client.devices import Device, devices
from tests.client.pictures import pts
from tests.client.sinks import Recorder
from tests.support.events import wait_until
from tests.support.gamecast import command
from tests.support.process import Process
from tests.support.wayland import HEIGHT, WIDTH, Desktop, wayland_desktop

pytestmark = pytest.mark.interop

FPS = Fraction(30)
BLUE, GREEN, RED = (20, 40, 210), (30, 180, 60), (200, 30, 40)
Colour = tuple[int, int, int]


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    with wayland_desktop(text(BLUE)) as desktop:
        yield desktop


def text(colour: Colour) -> str:
    return "#" + bytes(colour).hex()


@contextmanager
def painting(desktop: Desktop, *colours: Colour) -> Iterator[None]:
    """The screen changes its colour all the time: nothing else makes sway send a picture."""
    over = threading.Event()

    def paint() -> None:
        while True:
            for colour in colours:
                desktop.paint(text(colour))
                if over.wait(0.05):
                    return

    thread = threading.Thread(target=paint)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def opened(source: Source) -> Iterator[Recorder]:
    sink = Recorder()
    source.start(sink, Timeline.begin())
    try:
        yield sink
    finally:
        source.stop()


def near(frame: av.VideoFrame, colour: Colour) -> bool:
    """Whether the picture has this colour, in its corners and in its middle."""
    whole = frame.to_ndarray(format="rgb24").astype(int)
    rows, columns = (0, frame.height // 2, -1), (0, frame.width // 2, -1)
    return all(np.abs(whole[row, column] - colour).max() <= 6 for row in rows for column in columns)


def wait_for(sink: Recorder, colour: Colour, size: tuple[int, int] | None = None) -> None:
    """Wait until the newest picture has this colour, and size."""

    def there() -> bool:
        frame = sink.video_frames[-1] if sink.video_frames else None
        if frame is None or (size and (frame.width, frame.height) != size):
            return False
        return near(frame, colour)

    wait_until(there, f"{colour} in {len(sink.video_frames)} pictures", within=30)


def has_size(sink: Recorder, size: tuple[int, int]) -> bool:
    newest = sink.video_frames[-1]
    return (newest.width, newest.height) == size


def screen(desktop: Desktop) -> Source:
    """The screen, opened while it changes."""
    with painting(desktop, BLUE, GREEN):
        return open_desktop_screen(0, FPS, cursor=False, environ=desktop.environ)


def test_the_screen_its_colours_and_its_changes(desktop: Desktop) -> None:
    source = screen(desktop)
    assert source.video_format is not None
    assert (source.video_format.width, source.video_format.height) == (WIDTH, HEIGHT)
    assert source.name == f"screen 0 of Wayland's portal ({WIDTH}x{HEIGHT})"
    with opened(source) as sink:
        for colour in (RED, GREEN, BLUE, RED):
            desktop.paint(text(colour))
            wait_for(sink, colour)
        with painting(desktop, BLUE, GREEN):
            sink.wait_for(video=len(sink.video_frames) + 10)
    assert sink.errors == [None]
    times = [pts(frame) for frame in sink.video_frames]
    assert all(step >= 3000 and step % 3000 == 0 for step in np.diff(times))


def test_a_screen_that_changes_its_size(desktop: Desktop) -> None:
    with opened(screen(desktop)) as sink:
        desktop.paint(text(RED))
        wait_for(sink, RED, (WIDTH, HEIGHT))
        try:
            for size in ((801, 451), (320, 200)):  # sizes whose rows GStreamer pads, and not
                desktop.sway(f"output HEADLESS-1 resolution {size[0]}x{size[1]}")
                with painting(desktop, GREEN, BLUE, GREEN):
                    wait_until(partial(has_size, sink, size), f"{size}", within=30)
                desktop.paint(text(RED))
                wait_for(sink, RED, size)
        finally:
            desktop.sway(f"output HEADLESS-1 resolution {WIDTH}x{HEIGHT}")
    assert sink.errors == [None]


def region(desktop: Desktop, area: Geometry) -> Source:
    """A part of the screen, opened while it changes."""
    with painting(desktop, BLUE, GREEN):
        return open_desktop_region(area, FPS, cursor=False, environ=desktop.environ)


def test_a_region(desktop: Desktop) -> None:
    with pytest.raises(SourceError, match=r"200x100\+501\+51 is not on the screen of 640x360"):
        region(desktop, Geometry(501, 51, 200, 100))
    with opened(region(desktop, Geometry(101, 51, 200, 100))) as sink:
        desktop.paint(text(RED))
        wait_for(sink, RED, (200, 100))


def test_the_choice_is_remembered_for_its_owner(desktop: Desktop) -> None:
    path = tokens_path(desktop.environ)
    path.unlink(missing_ok=True)
    tokens = set()
    for _ in range(2):
        screen(desktop).stop()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        tokens.add(path.read_text())
    assert all("screen 0" in each for each in tokens)


def test_a_portal_that_dies_ends_the_source_with_one_line(desktop: Desktop) -> None:
    with opened(screen(desktop)) as sink:
        desktop.program("xdg-desktop-portal").kill()
        sink.wait_for(end=True)
    (problem,) = sink.errors
    assert problem is not None
    assert "the sharing was ended on the desktop" in problem


def test_without_pipewire_it_ends_with_one_line() -> None:
    with wayland_desktop(text(BLUE)) as desktop, opened(screen(desktop)) as sink:
        sink.wait_for(video=1)
        desktop.program("pipewire").kill()
        sink.wait_for(end=True)
    (problem,) = sink.errors
    assert problem is not None
    assert problem.startswith("screen 0 of Wayland's portal (640x360): ")
    assert "\n" not in problem


def test_devices_and_doctor_know_it(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(devices(desktop.environ))
    options = [each.option for each in found if isinstance(each, Device)]
    assert options[0] == "--screen 0"
    for name, value in desktop.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DISPLAY", raising=False)
    finding = doctor_capture._screen()
    assert finding.state is State.OK
    assert finding.detail.startswith("Wayland's portal, version ")
    assert "screens" in finding.detail


def test_what_a_portal_does_not_share_is_said(desktop: Desktop) -> None:
    with pytest.raises(SourceError, match="shares no windows: use --screen"):
        open_portal_window("chess", FPS, cursor=True, environ=desktop.environ)


def test_missing_programs_are_named(tmp_path: Path) -> None:
    problem = missing({"PATH": str(tmp_path)})
    assert problem is not None
    for package in ("gstreamer1.0-pipewire", "pipewire-gstreamer", "gst-plugin-pipewire"):
        assert package in problem


def test_a_push_of_the_screen(desktop: Desktop, tmp_path: Path) -> None:
    """From one end to the other: what is in the file is what was on the screen."""
    done = tmp_path / "screen.mp4"
    arguments = command(
        "push", "--screen", "--audio", "none", "--fps", "15", "--duration", "2", str(done)
    )
    begun = time.monotonic()
    with (
        painting(desktop, RED, RED, GREEN, GREEN),
        Process(arguments, log=tmp_path / "log", env={**desktop.environ, "DISPLAY": ""}) as push,
    ):
        said = push.finish(60)
    assert "screen 0 of Wayland's portal" in said, said
    with av.open(str(done)) as file:
        pictures = list(file.decode(video=0))
    assert (pictures[0].width, pictures[0].height) == (WIDTH, HEIGHT)
    assert len(pictures) > 10, time.monotonic() - begun
    for colour in (RED, GREEN):
        assert any(near(each, colour) for each in pictures)
