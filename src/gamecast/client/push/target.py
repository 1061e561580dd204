"""Destinations as the user writes them: URLs with keys in them, or paths of recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from gamecast.client.push.srt_target import SrtTarget, parse_srt_target
from gamecast.client.push.whip_target import SCHEMES as _WHIP
from gamecast.client.push.whip_target import WhipTarget, parse_whip_target
from gamecast.protocols.rtmp.urls import RtmpUrl, parse_url

KEY_VARIABLE = "GAMECAST_PUSH_KEY"
"""Environment variable with the stream key, so that it stays out of the process list."""
HIDDEN = "****"
RECORDINGS = {".mp4": "mp4", ".m4v": "mp4", ".mkv": "matroska", ".flv": "flv"}
"""File name endings, and FFmpeg's names of the containers."""
_RTMP = ("rtmp", "rtmps")
_SRT = "srt"
_LATER = frozenset({"gcp"})


class TargetError(ValueError):
    """A destination that cannot be used; the message is one line and holds no key."""


@dataclass(slots=True, frozen=True)
class RtmpTarget:
    """Where and under what name to publish over RTMP."""

    url: RtmpUrl
    """Its ``name`` is what ``publish`` sends; mostly a secret, so not in the ``repr``."""
    shown: str
    """The URL without its secrets."""

    def scrub(self, text: str) -> str:
        """``text`` (what a server said) without the stream name and the values of its query."""
        name, _, query = self.url.name.partition("?")
        secrets = [value for _, value in parse_qsl(query)]
        if HIDDEN in self.shown.rsplit("/", 1)[-1][: len(HIDDEN)]:
            secrets.append(name)
        for secret in sorted(secrets, key=len, reverse=True):
            if secret:
                text = text.replace(secret, HIDDEN)
        return text


@dataclass(slots=True, frozen=True)
class FileTarget:
    """Where to record."""

    path: Path
    container: str

    @property
    def shown(self) -> str:
        """The path."""
        return str(self.path)


Target = RtmpTarget | SrtTarget | WhipTarget | FileTarget


def parse_targets(texts: Sequence[str], environ: Mapping[str, str]) -> list[Target]:
    """Read several destinations; with more than one URL, no key goes where another one is given.

    The key of the environment is that of one server, and no business of the others.
    Raises ``TargetError``.
    """
    several = sum("://" in text for text in texts) > 1
    return [parse_target(text, {} if several and _has_key(text) else environ) for text in texts]


def _has_key(text: str) -> bool:
    try:
        target = parse_target(text, {})
    except TargetError:
        return False
    match target:
        case WhipTarget():
            return bool(target.token)
        case SrtTarget():
            return bool(target.settings.stream_id)
        case _:
            return True


def parse_target(text: str, environ: Mapping[str, str]) -> Target:
    """Read one destination. Raises ``TargetError`` with one clear line."""
    if "://" not in text:
        return _file(Path(text))
    scheme = text.split("://", 1)[0].lower()
    if scheme in _RTMP:
        return _rtmp(text, scheme, environ.get(KEY_VARIABLE, ""))
    if scheme == _SRT:
        return _srt(text, environ.get(KEY_VARIABLE, ""))
    if scheme in _WHIP:
        return _whip(text, environ.get(KEY_VARIABLE, ""))
    if scheme in _LATER:
        raise TargetError(f"{scheme}:// destinations are not supported yet; use rtmp:// or a file")
    raise TargetError(
        f"unknown kind of destination: {scheme}://; there are rtmp, rtmps, srt, whip, whips, files"
    )


def _file(path: Path) -> FileTarget:
    container = RECORDINGS.get(path.suffix.lower())
    if container is None:
        endings = " ".join(RECORDINGS)
        raise TargetError(
            f"{path}: neither a URL (rtmp://host/live/KEY) nor a recording ({endings})"
        )
    return FileTarget(path, container)


def _rtmp(text: str, scheme: str, key: str) -> RtmpTarget:
    try:
        url = parse_url(text)
    except ValueError:
        raise TargetError(f"bad {scheme}:// URL: it looks like {scheme}://host/live/KEY") from None
    netloc = urlsplit(text).netloc
    if "@" in netloc:
        raise TargetError(f"{scheme}://{url.host}: a user name before the host is not supported")
    name, _, query = url.name.partition("?")
    if not url.app:
        raise TargetError(f"{scheme}://{netloc}: no application; use {scheme}://{netloc}/live/KEY")
    if key and name:
        query = f"{query}&key={quote(key, safe='')}" if query else f"key={quote(key, safe='')}"
    name = name or key
    if not name:
        # Not what stands there: it may be the key, with the application forgotten.
        raise TargetError(
            f"{scheme}://{netloc}: no stream key; use {scheme}://{netloc}/live/KEY, "
            f"or set {KEY_VARIABLE}"
        )
    publish = f"{name}?{query}" if query else name
    shown = f"{scheme}://{netloc}/{url.app}/{_shown_name(name, query)}"
    return RtmpTarget(replace(url, name=publish), shown)


def _srt(text: str, key: str) -> SrtTarget:
    try:
        return parse_srt_target(text, key)
    except ValueError as error:
        raise TargetError(str(error)) from None


def _whip(text: str, key: str) -> WhipTarget:
    try:
        return parse_whip_target(text, key)
    except ValueError as error:
        raise TargetError(str(error)) from None


def _shown_name(name: str, query: str) -> str:
    """The name where the key stands in the query, else nothing: the name may be the key."""
    fields = {field for field, _ in parse_qsl(query, keep_blank_values=True)}
    return f"{name}?key={HIDDEN}" if "key" in fields else HIDDEN
