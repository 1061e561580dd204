"""Many datagrams by one system call, heads only: ``recvmmsg(2)`` with ``MSG_TRUNC`` and UDP GRO.

A viewer that only counts needs the first bytes of a batch and its size; what is not copied costs
nothing. Linux on 64-bit processors.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct

UDP_GRO = 104
"""Linux ``UDP_GRO`` (udp.h): a batch that was sent as one is received as one."""
SLOTS = 32
HEAD = 512
"""Bytes kept of each message: RTP headers, and all of a STUN answer or an alert."""
_CONTROL = 24
"""``CMSG_SPACE(4)``: the size of the segments."""
_MESSAGE = struct.Struct("=QIxxxxQQQQixxxxIxxxx")
"""``struct mmsghdr``: name, its length, vectors, their number, control, its length, flags, size."""
_RECEIVED = struct.Struct("=40xQ8xI4x")
_VECTOR = struct.Struct("=QQ")
_SEGMENT = struct.Struct("=16xI4x")


class BatchReader:
    """Buffers for one call; all viewers of a process share them."""

    def __init__(self) -> None:
        self.heads = bytearray(SLOTS * HEAD)
        """The beginning of message ``n`` at ``n * HEAD``."""
        self._vectors = bytearray(SLOTS * _VECTOR.size)
        self._controls = bytearray(SLOTS * _CONTROL)
        heads, vectors, controls = map(_address, (self.heads, self._vectors, self._controls))
        template = b""
        for slot in range(SLOTS):
            _VECTOR.pack_into(self._vectors, slot * _VECTOR.size, heads + slot * HEAD, HEAD)
            vector, control = vectors + slot * _VECTOR.size, controls + slot * _CONTROL
            template += _MESSAGE.pack(0, 0, vector, 1, control, _CONTROL, 0, 0)
        self._template = template
        self._messages = bytearray(template)
        self._at = _address(self._messages)
        self._receive = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._receive.argtypes = [
            ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p,
        ]  # fmt: skip

    def read(self, descriptor: int) -> list[tuple[int, int]]:
        """What waits, at most ``SLOTS`` messages: size and size of the segments of each.

        Raises ``OSError`` for what the socket has to report.
        """
        self._messages[:] = self._template
        flags = socket.MSG_DONTWAIT | socket.MSG_TRUNC
        count = self._receive(descriptor, self._at, SLOTS, flags, None)
        if count < 0:
            number = ctypes.get_errno()
            if number in (errno.EAGAIN, errno.EWOULDBLOCK):
                return []
            raise OSError(number, os.strerror(number))
        received = []
        for slot in range(count):
            control, size = _RECEIVED.unpack_from(self._messages, slot * _MESSAGE.size)
            segment = size
            if control:
                (segment,) = _SEGMENT.unpack_from(self._controls, slot * _CONTROL)
            received.append((size, segment))
        return received


def _address(buffer: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
