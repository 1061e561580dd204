"""ICE user name fragment and password (RFC 8445 section 5.3)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from gamecast.protocols.webrtc.errors import WebRtcError

RandomBytes = Callable[[int], bytes]
"""Source of randomness, for example ``os.urandom``."""

_ICE_CHARS = re.compile(r"[A-Za-z0-9+/]+")


@dataclass(slots=True, frozen=True)
class IceCredentials:
    """What one side puts into its SDP; ``password`` keys MESSAGE-INTEGRITY, no log shows it."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def generate(cls, random: RandomBytes) -> IceCredentials:
        """A ufrag of 96 bits (it finds the session, so it must not collide) and a pwd of 144."""
        return cls(ufrag=_ice_chars(random(12)), password=_ice_chars(random(18)))

    @property
    def key(self) -> bytes:
        """The MESSAGE-INTEGRITY key of the short-term mechanism."""
        return self.password.encode("ascii")


def _ice_chars(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def checked_credentials(ufrag: str, password: str) -> IceCredentials:
    """Credentials from a peer's SDP: 4-256 and 22-256 ``ice-char`` (RFC 8839 section 5.4)."""
    if not (4 <= len(ufrag) <= 256 and _ICE_CHARS.fullmatch(ufrag)):
        raise WebRtcError("ice-ufrag is not 4 to 256 ICE characters")
    if not (22 <= len(password) <= 256 and _ICE_CHARS.fullmatch(password)):
        raise WebRtcError("ice-pwd is not 22 to 256 ICE characters")
    return IceCredentials(ufrag, password)
