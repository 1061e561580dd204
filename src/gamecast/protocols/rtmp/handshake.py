"""The RTMP handshake, both ends, simple and with digests (RTMP 1.0 section 5.2; ``digest.py``).

::

    client                      server
    C0 (1 byte) C1 (1536)  -->
                           <--  S0 (1 byte) S1 (1536) S2 (1536)
    C2 (1536)              -->

A server answers the way it is spoken to: a C1 with a good digest gets an S1 and S2 with digests,
any other C1 is echoed in S2. What C2 contains is not looked at: old encoders send anything.
"""

from __future__ import annotations

from collections.abc import Callable

from gamecast.protocols.rtmp import digest
from gamecast.protocols.rtmp.digest import DIGEST_SIZE, PACKET_SIZE
from gamecast.protocols.rtmp.errors import RtmpProtocolError

RandomBytes = Callable[[int], bytes]

VERSION = 3
# Adobe Media Server 4.5.5 and Flash Player 9.0.124.2: peers only ask whether the first number is
# high enough for digests.
_SERVER_VERSION = bytes([4, 5, 5, 0])
_CLIENT_VERSION = bytes([9, 0, 124, 2])
_NO_VERSION = bytes(4)


class ServerHandshake:
    """The server's side. Feed it until ``complete``; what follows C2 is then in ``rest``."""

    __slots__ = ("_answered", "_buffer", "_random_bytes", "complete", "rest")

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes
        self._buffer = b""
        self._answered = False
        self.complete = False
        self.rest = b""

    def receive_data(self, data: bytes) -> bytes:
        """Take bytes and return those to send, often none.

        Raises :class:`RtmpProtocolError` as soon as the first byte is not RTMP's.
        """
        self._buffer += data
        answer = b""
        if not self._answered:
            _check_version(self._buffer)
            if len(self._buffer) <= PACKET_SIZE:
                return b""
            answer = self._answer(self._buffer[1 : 1 + PACKET_SIZE])
            self._buffer = self._buffer[1 + PACKET_SIZE :]
            self._answered = True
        if len(self._buffer) >= PACKET_SIZE:
            self.complete = True
            self.rest = self._buffer[PACKET_SIZE:]
            self._buffer = b""
        return answer

    def _answer(self, c1: bytes) -> bytes:
        # Bytes 4-8 are zero in a simple C1 and Flash's version number in one with a digest.
        found = digest.find_digest(c1, digest.CLIENT_KEY) if c1[4:8] != _NO_VERSION else None
        if found is None:
            s1 = bytes(8) + self._random_bytes(PACKET_SIZE - 8)
            return bytes([VERSION]) + s1 + c1
        scheme, c1_digest = found
        s1 = bytes(4) + _SERVER_VERSION + self._random_bytes(PACKET_SIZE - 8)
        filler = self._random_bytes(PACKET_SIZE - DIGEST_SIZE)
        return (
            bytes([VERSION])
            + digest.sign_packet(s1, digest.SERVER_KEY, scheme)
            + digest.sign_answer(filler, c1_digest, digest.SERVER_KEY)
        )


class ClientHandshake:
    """The client's side: send ``start()``, then feed it until ``complete``."""

    __slots__ = ("_buffer", "_random_bytes", "_s1_answered", "complete", "rest")

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes
        self._buffer = b""
        self._s1_answered = False
        self.complete = False
        self.rest = b""

    def start(self) -> bytes:
        """C0 and C1; with a digest, which servers that know none take for random bytes."""
        c1 = bytes(4) + _CLIENT_VERSION + self._random_bytes(PACKET_SIZE - 8)
        return bytes([VERSION]) + digest.sign_packet(c1, digest.CLIENT_KEY, 1)

    def receive_data(self, data: bytes) -> bytes:
        """Take bytes and return those to send: C2 once S1 is here.

        S2 is waited for and not checked: servers disagree about it and it proves nothing.
        Raises :class:`RtmpProtocolError` where the peer does not speak RTMP.
        """
        self._buffer += data
        answer = b""
        if not self._s1_answered:
            _check_version(self._buffer)
            if len(self._buffer) <= PACKET_SIZE:
                return b""
            answer = self._answer(self._buffer[1 : 1 + PACKET_SIZE])
            self._s1_answered = True
        if len(self._buffer) > 2 * PACKET_SIZE:
            self.complete = True
            self.rest = self._buffer[1 + 2 * PACKET_SIZE :]
            self._buffer = b""
        return answer

    def _answer(self, s1: bytes) -> bytes:
        found = digest.find_digest(s1, digest.SERVER_KEY) if s1[4:8] != _NO_VERSION else None
        if found is None:
            return s1
        filler = self._random_bytes(PACKET_SIZE - DIGEST_SIZE)
        return digest.sign_answer(filler, found[1], digest.CLIENT_KEY)


def _check_version(data: bytes) -> None:
    if not data or data[0] == VERSION:
        return
    version = data[0]
    if version == 0x16:
        raise RtmpProtocolError("the peer speaks TLS on a plain RTMP port")
    if version in b"GPHODC":
        raise RtmpProtocolError("the peer speaks HTTP on an RTMP port")
    if version in (6, 8, 9):
        raise RtmpProtocolError("encrypted RTMP (RTMPE) is not supported; use RTMPS")
    raise RtmpProtocolError(f"RTMP version {version} is not supported")
