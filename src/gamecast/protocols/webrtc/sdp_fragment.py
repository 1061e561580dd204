"""SDP fragments of WHIP and WHEP ``PATCH`` requests (RFC 8840, RFC 9725 section 4.3).

A fragment brings candidates (trickle), or new credentials (an ICE restart) and then candidates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gamecast.protocols.webrtc.candidate import Candidate, parse_candidate
from gamecast.protocols.webrtc.credentials import IceCredentials, checked_credentials
from gamecast.protocols.webrtc.errors import WebRtcError

MAX_LENGTH = 16 * 1024
MAX_CANDIDATES = 100
_MID = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(slots=True)
class SdpFragment:
    """What a fragment says. An ICE-lite agent needs only the credentials."""

    credentials: IceCredentials
    candidates: list[Candidate] = field(default_factory=list)
    is_complete: bool = False
    """``a=end-of-candidates``."""
    mid: str = "0"
    kind: str = "audio"
    """``audio`` or ``video``: the media section that speaks for the bundle."""


def parse_fragment(text: str) -> SdpFragment:
    """A fragment of type ``application/trickle-ice-sdpfrag``. Raises WebRtcError."""
    if len(text) > MAX_LENGTH or "\0" in text:
        raise WebRtcError("SDP fragment is too long or holds NUL")
    ufrag, pwd = "", ""
    candidates: list[Candidate] = []
    is_complete = False
    mid, kind = "0", "audio"
    for line in text.replace("\r\n", "\n").split("\n"):
        name, _, value = line.partition(":")
        if name == "a=ice-ufrag":
            ufrag = value.strip()
        elif name == "a=ice-pwd":
            pwd = value.strip()
        elif name == "a=candidate" and len(candidates) < MAX_CANDIDATES:
            candidates.append(parse_candidate(value))
        elif name == "a=end-of-candidates":
            is_complete = True
        elif name == "a=mid" and _MID.fullmatch(value.strip()):
            mid = value.strip()
        elif line.startswith("m=video "):
            kind = "video"
    return SdpFragment(checked_credentials(ufrag, pwd), candidates, is_complete, mid, kind)


def build_fragment(
    credentials: IceCredentials,
    candidates: Sequence[Candidate],
    *,
    mid: str = "0",
    kind: str = "audio",
) -> str:
    """Our answer to an ICE restart: new credentials and all candidates."""
    lines = [
        f"a=ice-ufrag:{credentials.ufrag}",
        f"a=ice-pwd:{credentials.password}",
        f"m={kind} 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{mid}",
        *(f"a={candidate.to_sdp()}" for candidate in candidates),
        "a=end-of-candidates",
    ]
    return "".join(f"{line}\r\n" for line in lines)
