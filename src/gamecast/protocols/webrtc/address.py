"""Transport addresses as this package sees them: a tuple whose first two items are host and port.

Whatever a driver appends after those two (IPv6 flow and scope, ``"tcp"``) is opaque: it makes the
address unique and comes back unchanged with the datagrams to send.
"""

from __future__ import annotations

import ipaddress
from typing import Any

Address = tuple[Any, ...]
"""``(host, port, ...)``; compared and hashed whole, of which only host and port are read."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def ip_of(address: Address) -> IpAddress:
    """The IP of an address, with IPv4-mapped IPv6 (``::ffff:192.0.2.1``) turned into IPv4.

    A dual-stack socket reports IPv4 peers in mapped form, but the peer knows itself as IPv4.
    Raises ``ValueError`` for a host that is no IP address (our own misuse).
    """
    host = str(address[0]).partition("%")[0]
    ip = ipaddress.ip_address(host)
    mapped = getattr(ip, "ipv4_mapped", None)
    return mapped if mapped is not None else ip
