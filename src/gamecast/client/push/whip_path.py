"""LocalPath: the UDP socket of a WHIP session, and the address of ours that leads to the server."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Self

from gamecast.client.push.uplink import LinkError
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.candidate import Candidate, host_candidates

_ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}
_VERSIONS = {4: socket.AF_INET, 6: socket.AF_INET6}


def may_be_sent_to(address: Address, *, family: int | None = None) -> bool:
    """Whether a candidate of an answer is an address of one host, and for UDP of this family."""
    ip = ipaddress.ip_address(str(address[0]))
    if ip.is_multicast or ip.is_unspecified:
        return False
    return "tcp" in address or _VERSIONS[ip.version] == family


class LocalPath:
    """A bound socket. Closed by its owner, unless it was taken."""

    def __init__(self, family: socket.AddressFamily, host: str) -> None:
        self.family = family
        self._host = host
        self._socket: socket.socket | None = _bound(family)

    @classmethod
    async def towards(cls, host: str) -> Self:
        """A path to a server by name; IPv4 where there is a choice. Raises ``LinkError``."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)
        except socket.gaierror:
            raise LinkError(f"no such host: {host}") from None
        found.sort(key=lambda each: each[0] != socket.AF_INET)
        for family, _, _, _, address in found:
            local = _local_host(family, address)
            if local:
                return cls(family, local)
        raise LinkError(f"no route to {host}")

    def now(self) -> float:
        """The clock of timers."""
        return asyncio.get_running_loop().time()

    def candidates(self) -> list[Candidate]:
        """Our address, for servers that want to check us too."""
        assert self._socket is not None
        return host_candidates([self._host], self._socket.getsockname()[1])

    def suit(self, candidates: Sequence[Candidate], *, needed: bool = True) -> None:
        """Change to the other family where the server has no address of this one.

        Raises ``LinkError`` if nothing can be reached by UDP and that is ``needed``.
        """
        usable = {
            _VERSIONS[each.ip.version] for each in candidates if each.is_udp and each.ip is not None
        }
        if not usable and needed:
            raise LinkError("it names no address that could be reached")
        if usable and self.family not in usable:
            self.close()
            self.family = usable.pop()
            self._socket = _bound(self.family)

    def take_socket(self) -> socket.socket:
        """The socket, which is the caller's from now on."""
        assert self._socket is not None
        taken, self._socket = self._socket, None
        return taken

    def close(self) -> None:
        """Close the socket if nobody took it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _bound(family: socket.AddressFamily) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((_ANY[family], 0))
    except OSError as error:
        sock.close()
        raise LinkError(f"no UDP socket: {error.strerror or error}") from error
    return sock


def _local_host(family: socket.AddressFamily, address: tuple[object, ...]) -> str:
    """The address of ours from which that one is reached; empty if it is not."""
    if family not in _ANY:
        return ""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(address)  # sends nothing
        except OSError:
            return ""
        return str(probe.getsockname()[0])
