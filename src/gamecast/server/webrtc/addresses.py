"""The addresses that candidates name: as configured, host names looked up again and again."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Sequence

import structlog

from gamecast.protocols.webrtc.address import ip_of

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 60.0
"""Home connections change their address about once a day."""
_MOST_PER_NAME = 4


class PublicAddresses:
    """IP addresses and host names, of which the latter are kept resolved."""

    def __init__(self, hosts: Sequence[str], *, family: int, site: str = "") -> None:
        """``family`` is that of the bound socket: IPv4 sockets have no use for IPv6 addresses of
        a name. Addresses that are configured as such are taken as they are.

        ``site``: the host name that viewers use, for when no ``hosts`` are configured: behind a
        proxy on this machine every request comes to the loopback address.
        """
        self._hosts = list(hosts) or ([site] if site else [])
        self._is_guess = not hosts
        self._family = family
        self._resolved: dict[str, list[str]] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look the names up, and again every minute."""
        names = [host for host in self._hosts if not _is_ip(host)]
        if names:
            await self._resolve(names)
            self._refreshing = asyncio.create_task(self._refresh(names))

    async def close(self) -> None:
        """Look up no more."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing

    def reached(self, at: str) -> list[str]:
        """What a peer should try, best first: ``at``, where its HTTP request came to, unless
        public addresses are known."""
        found = [
            address
            for host in self._hosts
            for address in ([host] if _is_ip(host) else self._resolved.get(host, []))
        ]
        if not found or (self._is_guess and not _is_loopback(at)):
            found.insert(0, _plain(at))
        return list(dict.fromkeys(found))

    async def _refresh(self, names: Sequence[str]) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._resolve(names)

    async def _resolve(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                found = await self._look_up(name)
            except OSError as error:
                # What was known stays: a name server that is away for a while changes nothing.
                log.warning("ice.unknown_host", host=name, error=str(error))
                continue
            if found != self._resolved.get(name):
                log.info("ice.resolved", host=name, addresses=found)
            self._resolved[name] = found

    async def _look_up(self, name: str) -> list[str]:
        family = socket.AF_INET if self._family == socket.AF_INET else socket.AF_UNSPEC
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(name, None, family=family, type=socket.SOCK_DGRAM)
        return list(dict.fromkeys(str(answer[4][0]) for answer in answers))[:_MOST_PER_NAME]


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_of((host, 0)).is_loopback
    except ValueError:
        return False


def _plain(host: str) -> str:
    """Without scope, and IPv4 where a dual-stack socket reports it in mapped form."""
    try:
        return str(ip_of((host, 0)))
    except ValueError:
        return host
