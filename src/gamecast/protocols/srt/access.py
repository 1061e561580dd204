"""The stream id syntax of SRT Access Control (libsrt ``AccessControl.md``): ``#!::k=v,k=v``."""

from __future__ import annotations

from gamecast.protocols.srt.errors import SrtError

PREFIX = "#!::"
_MAX_KEYS = 32


def parse_access_control(stream_id: str) -> dict[str, str]:
    """Keys and values; ``SrtError`` on a pair without ``=``, an empty key or a repeated one."""
    if not stream_id.startswith(PREFIX):
        raise SrtError("not an access control stream id")
    found: dict[str, str] = {}
    for pair in stream_id[len(PREFIX) :].split(",", _MAX_KEYS):
        if not pair:
            continue
        key, separator, value = pair.partition("=")
        if not separator or not key or key in found or len(found) == _MAX_KEYS:
            raise SrtError("malformed access control stream id")
        found[key] = value
    return found


def build_access_control(**values: str) -> str:
    """A stream id of these keys, in the order given."""
    return PREFIX + ",".join([f"{key}={value}" for key, value in values.items()])
