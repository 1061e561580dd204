"""The doctor on ports and on what the kernel does for UDP."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from gamecast.cli.findings import Finding, blocker, missing, ok, problem
from gamecast.server.config import ServeConfig

_UDP_SEGMENT = 103  # linux/udp.h; the socket module has no name for it
_ESSENTIAL = ("HTTP", "RTMP", "RTMPS", "WebRTC")
_SETTINGS = {
    "HTTP": "--http-port",
    "RTMP": "--rtmp-port",
    "RTMPS": "rtmp.tls_port",
    "SRT": "--srt-port",
    "WebRTC": "--ice-port",
    "WebRTC over TCP": "--ice-port",
}
_GOOD_BUFFER = 1024 * 1024


def examine(settings: ServeConfig) -> Iterator[Finding]:
    """All of it."""
    running = _running_server(settings.server.data_dir)
    for name, port, kind in _ports(settings):
        yield _port(name, settings.server.host, port, kind, running=running)
    yield _segmentation_offload()
    yield _send_buffer()


def _ports(settings: ServeConfig) -> Iterator[tuple[str, int, socket.SocketKind]]:
    yield "HTTP", settings.http.port, socket.SOCK_STREAM
    if settings.rtmp.enabled:
        yield "RTMP", settings.rtmp.port, socket.SOCK_STREAM
        if settings.tls.enabled:
            yield "RTMPS", settings.rtmp.tls_port, socket.SOCK_STREAM
    if settings.srt.enabled:
        yield "SRT", settings.srt.port, socket.SOCK_DGRAM
    yield "WebRTC", settings.ice.port, socket.SOCK_DGRAM
    yield "WebRTC over TCP", settings.ice.port, socket.SOCK_STREAM


def _port(
    name: str, host: str, port: int, kind: socket.SocketKind, *, running: int | None
) -> Finding:
    label = f"port {port}/{'tcp' if kind == socket.SOCK_STREAM else 'udp'}"
    if port == 0:
        return ok(label, f"{name}: any free port")
    try:
        _try_bind(host, port, kind)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and running is not None:
            return ok(label, f"{name}: in use by the running server (process {running})")
        bad = blocker if name in _ESSENTIAL else problem
        if error.errno == errno.EADDRINUSE:
            advice = f"end the program that has it, or choose another with {_SETTINGS[name]}"
            return bad(label, f"{name}: in use", advice)
        return bad(label, f"{name}: {error.strerror} ({host})", "check --host and the port")
    return ok(label, f"{name}: free")


def _try_bind(host: str, port: int, kind: socket.SocketKind) -> None:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
    with socket.socket(family, kind) as bound:
        if kind == socket.SOCK_STREAM and os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        if kind == socket.SOCK_STREAM:
            bound.listen(1)


def _running_server(data_dir: Path) -> int | None:
    """The process of the server that uses this data directory now, if one does."""
    try:
        pid = int(json.loads((data_dir / "ready.json").read_text())["pid"])
        os.kill(pid, 0)
    except PermissionError:
        return pid
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid


def _segmentation_offload() -> Finding:
    """Send two datagrams with one call and see them arrive."""
    advice = "Linux 4.18 or newer sends WebRTC for a third of the processor time"
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(2.0)
        try:
            control = [(socket.SOL_UDP, _UDP_SEGMENT, struct.pack("=H", 1_000))]
            sender.sendmsg([bytes(1_500)], control, 0, receiver.getsockname())
            arrived = [len(receiver.recv(2_000)) for _ in range(2)]
        except (OSError, AttributeError):
            return missing("UDP segmentation", "not available", advice)
    if arrived != [1_000, 500]:
        return missing("UDP segmentation", "does not work", advice)
    return ok("UDP segmentation", "works: one system call sends many datagrams")


def _send_buffer() -> Finding:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _GOOD_BUFFER)
        size = probe.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    detail = f"up to {size // 1024} KiB"
    if size < _GOOD_BUFFER:
        advice = "many WebRTC viewers need more: sysctl -w net.core.wmem_max=2097152"
        return problem("UDP send buffer", detail, advice)
    return ok("UDP send buffer", detail)
