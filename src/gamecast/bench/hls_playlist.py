"""Playlists as a light player needs them (RFC 8216bis, sections 4.4 and 6.2.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gamecast.bench.errors import BenchError

_LONGEST = 3600.0
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')


@dataclass(slots=True)
class Piece:
    """A part, or a whole segment where there are no parts."""

    msn: int
    part: int
    uri: str
    duration: float
    independent: bool = True
    discontinuous: bool = False
    """Whether it follows an EXT-X-DISCONTINUITY (section 4.4.4.3)."""

    @property
    def key(self) -> tuple[int, int]:
        """Its place."""
        return self.msn, self.part


@dataclass(slots=True)
class Listing:
    """What a media playlist says. Shared by all viewers that were given the same bytes."""

    pieces: list[Piece] = field(default_factory=list)
    segments: list[Piece] = field(default_factory=list)
    """Complete ones."""
    init_uri: str = ""
    target_duration: float = 1.0
    part_hold_back: float = 0.0
    """Seconds behind the end at which a player of parts plays; others: :attr:`hold_back`."""
    can_block: bool = False
    can_skip: bool = False
    next: tuple[int, int] = (0, 0)
    """Media sequence number and part that a blocking reload asks for."""
    ended: bool = False

    @property
    def hold_back(self) -> float:
        """Seconds behind the end at which a player of segments plays (section 4.4.3.8)."""
        return 3 * self.target_duration


def variant_uri(text: str) -> str:
    """The first variant of a multivariant playlist; empty for a media playlist."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("#EXT-X-STREAM-INF"):
            uris = [uri for uri in lines[number + 1 :] if uri and not uri.startswith("#")]
            if uris:
                return uris[0]
    return ""


def parse_listing(text: str) -> Listing:
    """A media playlist, whole or a delta update. Raises :class:`BenchError`."""
    if not text.startswith("#EXTM3U"):
        raise BenchError("not a playlist")
    listing = Listing()
    try:
        _read(text, listing)
    except KeyError as error:
        raise BenchError(f"bad playlist: a part without {error}") from None
    except ValueError as error:
        raise BenchError(f"bad playlist: {error}") from None
    return listing


def _read(text: str, listing: Listing) -> None:
    msn, part, duration = 0, 0, 0.0
    broken_part = broken_segment = False
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "#EXT-X-MEDIA-SEQUENCE":
            msn = int(value)
        elif name == "#EXT-X-SKIP":
            msn += int(_attributes(value).get("SKIPPED-SEGMENTS", "0"))
        elif name == "#EXT-X-PART":
            given = _attributes(value)
            independent = given.get("INDEPENDENT") == "YES"
            piece = Piece(msn, part, given["URI"], _seconds(given["DURATION"]), independent)
            piece.discontinuous, broken_part = broken_part, False
            listing.pieces.append(piece)
            part += 1
        elif name == "#EXT-X-DISCONTINUITY":
            broken_part = broken_segment = True
        elif name == "#EXTINF":
            duration = _seconds(value.partition(",")[0])
        elif line and not line.startswith("#"):
            segment = Piece(msn, 0, line, duration, discontinuous=broken_segment)
            listing.segments.append(segment)
            broken_part = broken_segment = False
            msn, part = msn + 1, 0
        else:
            _read_header(name, value, listing)
    listing.next = (msn, part)


def _read_header(name: str, value: str, listing: Listing) -> None:
    if name == "#EXT-X-TARGETDURATION":
        listing.target_duration = _seconds(value)
    elif name == "#EXT-X-MAP":
        listing.init_uri = _attributes(value).get("URI", "")
    elif name == "#EXT-X-ENDLIST":
        listing.ended = True
    elif name == "#EXT-X-SERVER-CONTROL":
        given = _attributes(value)
        listing.can_block = given.get("CAN-BLOCK-RELOAD") == "YES"
        listing.can_skip = "CAN-SKIP-UNTIL" in given
        listing.part_hold_back = _seconds(given.get("PART-HOLD-BACK", "0"))


def _seconds(text: str) -> float:
    """A viewer that waits for what is no number never wakes. Raises ``ValueError``."""
    value = float(text)
    if not 0 <= value <= _LONGEST:
        raise ValueError(f"{text} seconds")
    return value


def _attributes(text: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}
