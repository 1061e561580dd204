from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.capture.x11 import authority, wire
from gamecast.client.capture.x11.display import Display
from gamecast.client.capture.x11.wire import Geometry, XError
from tests.client.capture.x11.windows import Painter


def test_windows_are_listed_with_title_and_place(painter: Painter, screen: dict[str, str]) -> None:
    low = painter.create("Zelda – 塞尔达", x=10, y=20, width=100, height=80)
    high = painter.create("Chat", x=300, y=40, width=64, height=48)
    with Display(screen) as display:
        found = display.windows()
        assert [(each.id, each.title) for each in found] == [
            (high, "Chat"),
            (low, "Zelda – 塞尔达"),
        ]
        assert found[1].geometry == Geometry(10, 20, 100, 80)
        painter.move(low, 33, 44)
        painter.resize(low, 120, 90)
        assert display.geometry(low) == Geometry(33, 44, 120, 90)
        painter.hide(low)
        assert display.geometry(low) is None
        painter.destroy(low)
        with pytest.raises(XError, match="gone"):
            display.geometry(low)
        assert [each.title for each in display.windows()] == ["Chat"]


def test_a_screen_without_monitors_is_one_screen(screen: dict[str, str]) -> None:
    with Display(screen) as display:
        screens = display.screens()
        assert [(each.number, each.geometry) for each in screens] == [(0, Geometry(0, 0, 640, 360))]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "DISPLAY is not set"),
        ("nonsense", "not understood"),
        (":31999", "cannot be reached"),
        ("host.invalid:0", "cannot be reached"),
    ],
)
def test_no_display(name: str, problem: str) -> None:
    with pytest.raises(XError, match=problem):
        Display({"DISPLAY": name})


def test_a_screen_that_the_display_does_not_have(screen: dict[str, str]) -> None:
    with pytest.raises(XError, match="no screen 7"):
        Display({**screen, "DISPLAY": screen["DISPLAY"] + ".7"})


def test_cookies_of_this_machine_and_display(tmp_path: Path) -> None:
    def entry(family: int, *fields: bytes) -> bytes:
        parts = [len(field).to_bytes(2, "big") + field for field in fields]
        return family.to_bytes(2, "big") + b"".join(parts)

    path = tmp_path / "authority"
    path.write_bytes(
        entry(256, b"elsewhere", b"5", authority.COOKIE, b"no")
        + entry(65535, b"", b"4", authority.COOKIE, b"other display")
        + entry(65535, b"", b"5", b"XDM-AUTHORIZATION-1", b"other way")
        + entry(65535, b"", b"5", authority.COOKIE, b"yes")
    )
    environ = {"XAUTHORITY": str(path)}
    assert authority.find_cookie(5, environ) == (authority.COOKIE, b"yes")
    assert authority.find_cookie(6, environ) == (b"", b"")
    assert authority.find_cookie(5, {"HOME": str(tmp_path / "nowhere")}) == (b"", b"")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_authority_file_is_read(data: bytes) -> None:
    for family, address, number, name, cookie in authority.entries(data):
        assert 0 <= family <= 0xFFFF
        assert len(address) + len(number) + len(name) + len(cookie) <= len(data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_greeting_is_a_setup_or_an_error(body: bytes) -> None:
    try:
        setup = wire.parse_setup(body)
    except XError:
        return
    assert len(setup.roots) == len(setup.sizes) <= 255


def test_monitors_are_read() -> None:
    one = bytes.fromhex("41000000 01 01 0100 8007 0000 8002 6801 00000000 00000000 07000000")
    two = bytes.fromhex("42000000 00 01 0000 0000 0000 8007 3804 00000000 00000000")
    reply = bytes(12) + (2).to_bytes(4, "little") + bytes(16) + one + two
    assert wire.parse_monitors(reply) == [
        wire.Monitor(Geometry(1920, 0, 640, 360), True, 0x41),
        wire.Monitor(Geometry(0, 0, 1920, 1080), False, 0x42),
    ]
