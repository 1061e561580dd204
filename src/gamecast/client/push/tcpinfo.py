"""What the kernel knows of a TCP connection, and how little of ours it may hold back."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys

NOTSENT_LOWAT = 32 * 1024
"""Bytes that the kernel takes before it has sent them.

Media waits in our queue, where it can be measured and dropped, not in a socket buffer that
grows to megabytes.
"""
_TCP_NOTSENT_LOWAT = {"linux": 25, "darwin": 0x201}
_RTT_OFFSET = 8 + 15 * 4  # tcpi_rtt in Linux's struct tcp_info, microseconds


def keep_queue_short(sock: socket.socket) -> None:
    """Set TCP_NOTSENT_LOWAT where the system has it."""
    option = _TCP_NOTSENT_LOWAT.get(sys.platform)
    if option is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, option, NOTSENT_LOWAT)


def round_trip_time(sock: socket.socket) -> float | None:
    """Smoothed round-trip time in seconds; ``None`` where the system does not tell (not Linux)."""
    if sys.platform != "linux":
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT_OFFSET + 4)
    except OSError:
        return None
    if len(info) < _RTT_OFFSET + 4:
        return None
    microseconds: int = struct.unpack_from("=I", info, _RTT_OFFSET)[0]
    return microseconds / 1e6
