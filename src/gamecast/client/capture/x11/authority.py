"""The X authority file: the cookie that lets us connect (format of libXau)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

COOKIE = b"MIT-MAGIC-COOKIE-1"
MAX_FILE = 1 << 20
_LOCAL = 256
_WILD = 65535


def find_cookie(display: int, environ: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Name and data for a local display's connection; both empty where there is none."""
    path = environ.get("XAUTHORITY") or str(Path(environ.get("HOME", "/")) / ".Xauthority")
    try:
        data = Path(path).read_bytes()[:MAX_FILE]
    except OSError:
        return b"", b""
    host = socket.gethostname().encode()
    for family, address, number, name, cookie in entries(data):
        here = family == _WILD or (family == _LOCAL and address == host)
        if here and name == COOKIE and number in (b"", str(display).encode()):
            return name, cookie
    return b"", b""


def entries(data: bytes) -> Iterator[tuple[int, bytes, bytes, bytes, bytes]]:
    """Family, address, display number, name and data of every whole entry."""
    position = 0
    while position + 2 <= len(data):
        (family,) = struct.unpack_from(">H", data, position)
        position += 2
        fields = []
        for _ in range(4):
            if position + 2 > len(data):
                return
            (length,) = struct.unpack_from(">H", data, position)
            fields.append(data[position + 2 : position + 2 + length])
            position += 2 + length
        if position > len(data):
            return
        address, number, name, cookie = fields
        yield family, address, number, name, cookie
