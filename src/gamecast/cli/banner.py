"""What ``gamecast serve`` says to the person who started it."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from gamecast import __version__
from gamecast.cli.demo import DEMO_CHANNEL
from gamecast.server.config import ServeConfig
from gamecast.server.ready import ReadyAddresses
from gamecast.store.store import FIRST_CHANNEL, FirstStart


def first_start_text(first: FirstStart) -> str:
    """The secrets of the first start. This is the only place that ever shows them."""
    lines = [
        "",
        "This is the first start. Write these down; they are not shown again:",
        "",
        f"  Admin user      {first.admin}",
        f"  Admin password  {first.password}",
    ]
    if first.key is not None:
        lines += [
            f"  Channel         {first.channel}",
            f"  Stream key      {first.key}",
        ]
    return "\n".join([*lines, ""])


def ready_text(config: ServeConfig, addresses: ReadyAddresses) -> str:
    """Where to watch, and what to enter into OBS."""
    host = _reachable_host(config.server.host)
    site = config.http.public_url.rstrip("/") or _with_host(addresses.http, host)
    channel = DEMO_CHANNEL if config.server.demo else FIRST_CHANNEL
    lines = [f"Gamecast {__version__} is ready.", "", f"  Watch   {site}/{channel}"]
    local = f"{addresses.http}/{channel}"
    if local != f"{site}/{channel}":
        lines.append(f"          {local} on this machine")
    if addresses.rtmp:
        rtmp = _with_host(addresses.rtmp, host)
        lines += [
            f"  OBS     Settings, Stream: Service Custom, Server {rtmp}/live",
            "          Stream Key: your channel's key (a new one: gamecast key create"
            f" {FIRST_CHANNEL})",
            f"  ffmpeg  ffmpeg -re -i FILE -c copy -f flv {rtmp}/live/KEY",
        ]
    return "\n".join([*lines, "  Stop    Ctrl+C", ""])


def _with_host(url: str, host: str | None) -> str:
    """The URL with another host and the same port."""
    if host is None:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port}"


def _reachable_host(bound: str) -> str | None:
    """This machine's address in its network, if the server listens on it; ``None``: as bound."""
    if bound not in ("0.0.0.0", "::"):
        return None
    # Connecting a UDP socket sends nothing; it only asks which address the route would use.
    family = socket.AF_INET6 if bound == "::" else socket.AF_INET
    target = "2001:db8::1" if bound == "::" else "192.0.2.1"
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            address = str(probe.getsockname()[0])
    except OSError:  # no network at all
        return None
    return None if ipaddress.ip_address(address).is_unspecified else address
