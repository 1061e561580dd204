"""A network of its own for a process and its children: what listens there, nobody else reaches.

Some servers listen on all addresses whatever their configuration says. Needs Linux and root.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

_CLONE_NEWNET = 0x40000000
"""Linux sched.h."""
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_IFREQ = struct.Struct("16sh22x")
"""``struct ifreq``: name and flags."""


def isolate() -> bool:
    """Give this process a network with nothing in it but loopback. ``False`` where it may not."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(_CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", _IFF_UP))
    return True


def is_isolated() -> bool:
    """Whether there is no other interface than loopback."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]
