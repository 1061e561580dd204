"""ICE candidates as SDP writes them (RFC 8839 section 5.1, RFC 6544 for TCP)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from gamecast.protocols.webrtc.address import IpAddress
from gamecast.protocols.webrtc.errors import WebRtcError

_LINE = re.compile(
    r"(?:candidate:)?(?P<foundation>[A-Za-z0-9+/]{1,32}) (?P<component>[0-9]{1,5})"
    r" (?P<transport>[A-Za-z0-9]{1,16}) (?P<priority>[0-9]{1,10})"
    r" (?P<host>[^ ]{1,255}) (?P<port>[0-9]{1,5}) typ (?P<type>[a-z]{1,16})(?P<rest>.*)"
)
_HOST_PREFERENCE = 126
_TCP_TYPE = re.compile(r" tcptype (active|passive|so)\b")


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One candidate. ``host`` may be a name, such as the mDNS names of browsers."""

    foundation: str
    component: int = 1
    transport: str = "udp"
    priority: int
    host: str
    port: int
    type: str = "host"
    tcp_type: str = ""
    """``passive`` for an ICE-TCP listener (RFC 6544); empty for UDP."""

    @property
    def is_udp(self) -> bool:
        """Whether datagrams go there."""
        return self.transport.lower() == "udp"

    @property
    def ip(self) -> IpAddress | None:
        """The address, or ``None`` where the host is a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    def to_sdp(self) -> str:
        """The attribute value, from ``candidate:`` on."""
        line = (
            f"candidate:{self.foundation} {self.component} {self.transport} {self.priority}"
            f" {self.host} {self.port} typ {self.type}"
        )
        return f"{line} tcptype {self.tcp_type}" if self.tcp_type else line


def parse_candidate(text: str) -> Candidate:
    """A candidate from an attribute value or a trickle fragment. Raises WebRtcError."""
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise WebRtcError("malformed ICE candidate")
    port = int(match["port"])
    priority = int(match["priority"])
    if port > 65535 or priority >= 1 << 32:
        raise WebRtcError("ICE candidate has an impossible port or priority")
    tcp = _TCP_TYPE.search(match["rest"])
    return Candidate(
        foundation=match["foundation"],
        component=int(match["component"]),
        transport=match["transport"],
        priority=priority,
        host=match["host"],
        port=port,
        type=match["type"],
        tcp_type=tcp[1] if tcp else "",
    )


def host_candidates(hosts: list[str], port: int, *, tcp_port: int = 0) -> list[Candidate]:
    """Our own candidates: UDP on ``port`` for each host, and passive TCP if ``tcp_port`` is set.

    Earlier hosts have higher priority (RFC 8445 section 5.1.2.1); TCP comes after all UDP.
    """
    found = []
    for index, host in enumerate(hosts):
        local = 65535 - index
        priority = _HOST_PREFERENCE << 24 | local << 8 | 255
        found.append(Candidate(foundation=f"u{index}", priority=priority, host=host, port=port))
    for index, host in enumerate(hosts if tcp_port else []):
        # RFC 6544 section 4.2: direction preference 4 (passive) in the top three bits.
        local = 4 << 13 | 8191 - index
        priority = (_HOST_PREFERENCE - 36) << 24 | local << 8 | 255
        found.append(
            Candidate(
                foundation=f"t{index}",
                transport="tcp",
                tcp_type="passive",
                priority=priority,
                host=host,
                port=tcp_port,
            )
        )
    return found
