"""SRT destinations as the user writes them: ``srt://host:port?streamid=…&passphrase=…``."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlsplit

from gamecast.protocols.srt import CryptoMode, Settings
from gamecast.protocols.srt.handshake import MAX_STREAM_ID
from gamecast.protocols.srt.keys import KEY_LENGTHS, check_passphrase

DEFAULT_PORT = 8890
_DEFAULT_LATENCY = 120
_MAX_LATENCY = 8000
_KNOWN = frozenset(
    {
        *("streamid", "passphrase", "pbkeylen", "cryptomode"),
        *("latency", "mode", "pkt_size", "maxbw"),
    }
)


@dataclass(slots=True, frozen=True)
class SrtTarget:
    """Where and how to publish over SRT."""

    host: str
    port: int
    settings: Settings = field(repr=False)
    shown: str
    """The URL without its secrets."""


def parse_srt_target(text: str, key: str) -> SrtTarget:
    """Read an ``srt://`` URL. Raises ``ValueError`` with one clear line that holds no secret.

    ``latency`` is in milliseconds; ``key`` stands in for a stream id that the URL does not have.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORT
    except ValueError:
        raise ValueError("bad srt:// URL: it looks like srt://host:8890?streamid=KEY") from None
    if not host:
        raise ValueError("bad srt:// URL: it looks like srt://host:8890?streamid=KEY")
    query = _query(parts)
    if query.get("mode", "caller") != "caller":
        raise ValueError("srt:// only dials (mode=caller); rendezvous and listener are not served")
    stream_id = query.get("streamid", "") or key
    if len(stream_id.encode()) > MAX_STREAM_ID:
        raise ValueError(f"srt:// streamid is longer than {MAX_STREAM_ID} bytes")
    passphrase = query.get("passphrase", "")
    if passphrase:
        check_passphrase(passphrase)
    length = _number(query, "pbkeylen", 0, 0, 32)
    if length and length not in KEY_LENGTHS:
        raise ValueError("srt:// pbkeylen is 16, 24 or 32")
    latency = _number(query, "latency", _DEFAULT_LATENCY, 20, _MAX_LATENCY) / 1000
    settings = Settings(
        latency=latency,
        peer_latency=latency,
        passphrase=passphrase,
        key_length=length or 16,
        crypto_mode=CryptoMode(_number(query, "cryptomode", 0, 0, 2)),
        stream_id=stream_id,
        max_bandwidth=_number(query, "maxbw", 0, 0, 1 << 40),
    )
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return SrtTarget(host, port, settings, f"srt://{authority}")


def _query(parts: SplitResult) -> dict[str, str]:
    """The options; a stream id of the form ``#!::…`` is a fragment to every URL parser."""
    text = parts.query
    if parts.fragment:
        text += "#" + parts.fragment
    # Stream ids hold "=" and ",", and people do not escape them; "&" ends one all the same.
    query = dict(parse_qsl(text.replace("+", "%2B"), keep_blank_values=True))
    unknown = sorted(set(query) - _KNOWN)
    if unknown:
        raise ValueError(f"unknown srt:// option: {unknown[0][:40]}")
    return query


def _number(query: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"srt:// {name} is a number from {least} to {most}")
    return int(text)
