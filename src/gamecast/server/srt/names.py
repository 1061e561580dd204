"""What an SRT stream id asks for (CONTRACT, "Ports and URLs")."""

from __future__ import annotations

from dataclasses import dataclass, field

from gamecast.protocols.srt import Reject, SrtError, parse_access_control
from gamecast.store.credentials import looks_like_key

APPLICATION = "live"
_PUBLISH, _READ = "publish", ("read", "request", "play")


@dataclass(slots=True, frozen=True)
class Asked:
    """A parsed stream id."""

    publish: bool
    name: str | None
    key: str | None = field(default=None, repr=False)


class BadStreamId(ValueError):
    """A stream id that asks for nothing we have; ``reject`` is the code to answer with."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject.name)
        self.reject = reject


def parse(stream_id: str) -> Asked:
    """Read a stream id. Raises :class:`BadStreamId`.

    ``#!::r=live/<name>,m=publish,s=<key>``; ``publish:live/<name>:<user>:<key>`` (also ``::<key>``
    and ``:<key>``); ``read:live/<name>``; a name alone plays; a stream key alone publishes.
    """
    if stream_id.startswith("#!"):
        return _access_control(stream_id)
    mode, separator, rest = stream_id.partition(":")
    if separator:
        return _colons(mode, rest)
    if looks_like_key(stream_id):
        return Asked(True, None, stream_id)
    name, _, query = stream_id.partition("?")
    key = query.removeprefix("key=") if query.startswith("key=") else None
    return Asked(key is not None, _name(name), key)


def _access_control(stream_id: str) -> Asked:
    try:
        values = parse_access_control(stream_id)
    except SrtError:
        raise BadStreamId(Reject.BAD_REQUEST) from None
    mode = values.get("m", "request")
    if mode not in ("request", "publish") or values.get("t", "stream") not in ("stream", ""):
        raise BadStreamId(Reject.BAD_MODE)
    publish = mode == "publish"
    key = values.get("s") or values.get("key") or None
    resource = values.get("r", "")
    if not resource and publish and key:
        return Asked(True, None, key)
    return Asked(publish, _name(resource), key)


def _colons(mode: str, rest: str) -> Asked:
    publish = mode == _PUBLISH
    if not publish and mode not in _READ:
        raise BadStreamId(Reject.BAD_MODE)
    resource, *words = rest.split(":", 3)
    key = next((word for word in reversed(words) if word), None)
    if publish and key is None and looks_like_key(resource.rpartition("/")[2]):
        return Asked(True, None, resource.rpartition("/")[2])
    return Asked(publish, _name(resource), key)


def _name(resource: str) -> str:
    """The channel in ``live/<name>`` or ``<name>``."""
    segments = resource.strip("/").split("/")
    if len(segments) > 1 and segments[0] == APPLICATION:
        segments = segments[1:]
    if len(segments) != 1 or not segments[0]:
        raise BadStreamId(Reject.BAD_REQUEST)
    return segments[0]
