"""Requests and replies as bytes, little-endian. Pure functions; ``display`` owns the socket."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_REPLY = 1 << 20
"""Bytes of one reply: property values and window lists are far smaller."""
ANY_PROPERTY_TYPE = 0
VIEWABLE = 2
"""Map state of a window that can be seen (or is only covered by others)."""
_PAD = bytes(3)


class XError(Exception):
    """The display cannot be reached, refused us, or does not know the window any more."""


@dataclass(slots=True, frozen=True)
class Setup:
    """What the server said when we connected."""

    id_base: int
    """First id that we may give to something of our own."""
    roots: tuple[int, ...]
    """Root window of each screen of the display."""
    sizes: tuple[tuple[int, int], ...]
    """Width and height of each, in pixels."""
    keycodes: tuple[int, int]
    """The lowest and the highest."""


@dataclass(slots=True, frozen=True)
class Geometry:
    """A window's place; ``x`` and ``y`` are relative to what it was asked for."""

    x: int
    y: int
    width: int
    height: int


@dataclass(slots=True, frozen=True)
class Monitor:
    """One monitor of a screen (RANDR 1.5)."""

    geometry: Geometry
    primary: bool
    name_atom: int


def connection_setup(auth_name: bytes, auth_data: bytes) -> bytes:
    """The first bytes of a connection (section 8)."""
    head = struct.pack("<BxHHHHxx", 0x6C, 11, 0, len(auth_name), len(auth_data))
    return head + _padded(auth_name) + _padded(auth_data)


def parse_setup(body: bytes) -> Setup:
    """Read what follows the eight bytes of a successful answer. Raises ``XError``."""
    try:
        (id_base,) = struct.unpack_from("<I", body, 4)
        vendor_length, _, screens, formats = struct.unpack_from("<HHBB", body, 16)
        position = 32 + _round4(vendor_length) + 8 * formats
        roots, sizes = [], []
        for _ in range(screens):
            root, width, height = struct.unpack_from("<I16xHH", body, position)
            depths = body[position + 39]
            roots.append(root)
            sizes.append((width, height))
            position = _skip_depths(body, position + 40, depths)
    except (struct.error, IndexError) as error:
        raise XError("the display's greeting is cut short") from error
    return Setup(id_base, tuple(roots), tuple(sizes), (body[26], body[27]))


def _skip_depths(body: bytes, position: int, depths: int) -> int:
    for _ in range(depths):
        (visuals,) = struct.unpack_from("<H", body, position + 2)
        position += 8 + 24 * visuals
    return position


def get_window_attributes(window: int) -> bytes:
    """GetWindowAttributes."""
    return struct.pack("<BxHI", 3, 2, window)


def parse_map_state(reply: bytes) -> int:
    """0 unmapped, 1 an ancestor is unmapped, 2 ``VIEWABLE``."""
    return reply[26]


def get_geometry(window: int) -> bytes:
    """GetGeometry."""
    return struct.pack("<BxHI", 14, 2, window)


def parse_geometry(reply: bytes) -> Geometry:
    """Relative to the parent."""
    return Geometry(*struct.unpack_from("<hhHH", reply, 12))


def query_tree(window: int) -> bytes:
    """QueryTree."""
    return struct.pack("<BxHI", 15, 2, window)


def parse_children(reply: bytes) -> list[int]:
    """Child windows, bottom first."""
    (count,) = struct.unpack_from("<H", reply, 16)
    return list(struct.unpack_from(f"<{count}I", reply, 32))


def intern_atom(name: str) -> bytes:
    """InternAtom, also where it does not exist yet."""
    encoded = name.encode("latin-1")
    length = 2 + _round4(len(encoded)) // 4
    return struct.pack("<BBHHxx", 16, 0, length, len(encoded)) + _padded(encoded)


def parse_atom(reply: bytes) -> int:
    """The atom."""
    atom: int = struct.unpack_from("<I", reply, 8)[0]
    return atom


def get_atom_name(atom: int) -> bytes:
    """GetAtomName."""
    return struct.pack("<BxHI", 17, 2, atom)


def parse_atom_name(reply: bytes) -> str:
    """The name."""
    (length,) = struct.unpack_from("<H", reply, 8)
    return reply[32 : 32 + length].decode("latin-1")


def get_property(window: int, atom: int, *, words: int = 4096) -> bytes:
    """GetProperty of any type, at most ``words`` times four bytes of it."""
    return struct.pack("<BBHIIIII", 20, 0, 6, window, atom, ANY_PROPERTY_TYPE, 0, words)


def parse_property(reply: bytes) -> bytes:
    """Its value; empty where the window does not have it."""
    item_bytes = reply[1] // 8
    (count,) = struct.unpack_from("<I", reply, 16)
    return reply[32 : 32 + count * item_bytes]


def translate_coordinates(window: int, root: int) -> bytes:
    """TranslateCoordinates of the window's upper left corner to the root."""
    return struct.pack("<BxHIIhh", 40, 4, window, root, 0, 0)


def parse_coordinates(reply: bytes) -> tuple[int, int]:
    """The corner on the root window."""
    x, y = struct.unpack_from("<hh", reply, 12)
    return x, y


def query_extension(name: str) -> bytes:
    """QueryExtension."""
    encoded = name.encode("latin-1")
    length = 2 + _round4(len(encoded)) // 4
    return struct.pack("<BxHHxx", 98, length, len(encoded)) + _padded(encoded)


def parse_extension(reply: bytes) -> int | None:
    """Its major opcode; ``None`` if the server does not have it."""
    return reply[9] if reply[8] else None


def randr_query_version(opcode: int) -> bytes:
    """RRQueryVersion: say that we speak 1.5."""
    return struct.pack("<BBHII", opcode, 0, 3, 1, 5)


def parse_version(reply: bytes) -> tuple[int, int]:
    """Major and minor version that the server speaks."""
    major, minor = struct.unpack_from("<II", reply, 8)
    return major, minor


def randr_get_monitors(opcode: int, root: int) -> bytes:
    """RRGetMonitors, active ones only."""
    return struct.pack("<BBHIBxxx", opcode, 42, 3, root, 1)


def parse_monitors(reply: bytes) -> list[Monitor]:
    """Monitors in the order in which the server has them."""
    (count,) = struct.unpack_from("<I", reply, 12)
    monitors, position = [], 32
    for _ in range(count):
        name, primary, _, outputs, x, y, width, height = struct.unpack_from(
            "<IBBHhhHH", reply, position
        )
        monitors.append(Monitor(Geometry(x, y, width, height), bool(primary), name))
        position += 24 + 4 * outputs
    return monitors


def get_keyboard_mapping(first: int, count: int) -> bytes:
    """GetKeyboardMapping of ``count`` keycodes."""
    return struct.pack("<BxHBBxx", 101, 2, first, count)


def parse_keyboard_mapping(reply: bytes) -> list[tuple[int, ...]]:
    """The keysyms of each keycode, the one without modifiers first."""
    each = reply[1]
    if not each:
        return []
    keysyms = struct.unpack_from(f"<{(len(reply) - 32) // 4}I", reply, 32)
    return [keysyms[at : at + each] for at in range(0, len(keysyms), each)]


def grab_key(window: int, modifiers: int, keycode: int) -> bytes:
    """GrabKey, for which the server has no reply but an error where it is taken."""
    return struct.pack("<BBHIHBBBxxx", 33, 1, 4, window, modifiers, keycode, 1, 1)


KEY_PRESS = 2


def parse_key_event(event: bytes) -> tuple[int, int]:
    """Keycode and modifiers of a KeyPress."""
    return event[1], struct.unpack_from("<H", event, 28)[0]


def _round4(length: int) -> int:
    return (length + 3) // 4 * 4


def _padded(data: bytes) -> bytes:
    return data + _PAD[: _round4(len(data)) - len(data)]
