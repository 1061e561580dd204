"""H.264 ``profile-level-id`` (RFC 6184 section 8.1): which decoders can take which streams."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gamecast.protocols.webrtc.errors import WebRtcError

DEFAULT = "42000a"
"""What a missing ``profile-level-id`` means: Baseline, level 1."""
_ID = re.compile(r"[0-9a-fA-F]{6}")


class Profile(StrEnum):
    """Profiles that peers name. The three bytes of an id fold many patterns into these."""

    CONSTRAINED_BASELINE = "constrained baseline"
    BASELINE = "baseline"
    MAIN = "main"
    CONSTRAINED_HIGH = "constrained high"
    HIGH = "high"
    HIGH_444 = "high 4:4:4 predictive"
    OTHER = "other"


_DECODES: dict[Profile, tuple[Profile, ...]] = {
    Profile.CONSTRAINED_BASELINE: (Profile.CONSTRAINED_BASELINE,),
    Profile.BASELINE: (Profile.BASELINE, Profile.CONSTRAINED_BASELINE),
    Profile.MAIN: (Profile.MAIN, Profile.CONSTRAINED_BASELINE),
    Profile.CONSTRAINED_HIGH: (Profile.CONSTRAINED_HIGH, Profile.CONSTRAINED_BASELINE),
    Profile.HIGH: (
        Profile.HIGH,
        Profile.CONSTRAINED_HIGH,
        Profile.MAIN,
        Profile.CONSTRAINED_BASELINE,
    ),
    Profile.HIGH_444: (
        Profile.HIGH_444,
        Profile.HIGH,
        Profile.CONSTRAINED_HIGH,
        Profile.MAIN,
        Profile.CONSTRAINED_BASELINE,
    ),
    Profile.OTHER: (),
}
_RICHNESS = (
    Profile.HIGH_444,
    Profile.HIGH,
    Profile.CONSTRAINED_HIGH,
    Profile.MAIN,
    Profile.BASELINE,
    Profile.CONSTRAINED_BASELINE,
    Profile.OTHER,
)
# What browsers announce and what they decode are two things: their software decoders take High
# under any announced profile. So a poorer announcement is a bad match, not an impossible one:
# Firefox announces Baseline alone, and to encode every stream of OBS again for it would help
# nobody. What none takes unannounced are more bits or more colour: High 10, 4:2:2, 4:4:4.
EXACT, COVERED, HOPED_FOR, IMPOSSIBLE = 0, 1, 2, 3


@dataclass(slots=True, frozen=True)
class ProfileLevel:
    """A parsed id; ``level`` is level_idc (31 is level 3.1)."""

    profile: Profile
    level: int


def parse_profile_level_id(text: str) -> ProfileLevel:
    """Six hexadecimal digits. Raises WebRtcError."""
    if not _ID.fullmatch(text):
        raise WebRtcError("malformed H.264 profile-level-id")
    idc, constraints, level = bytes.fromhex(text)
    return ProfileLevel(_profile(idc, constraints), level)


def _profile(idc: int, constraints: int) -> Profile:
    """Table 5 of RFC 6184, with Constrained High of H.264 section A.2.4.2."""
    set0, set1 = constraints & 0x80 != 0, constraints & 0x40 != 0
    match idc:
        case 66:
            return Profile.CONSTRAINED_BASELINE if set1 else Profile.BASELINE
        case 77:
            return Profile.CONSTRAINED_BASELINE if set0 else Profile.MAIN
        case 88 if set0:
            return Profile.CONSTRAINED_BASELINE if set1 else Profile.BASELINE
        case 100:
            return Profile.CONSTRAINED_HIGH if constraints & 0x0C == 0x0C else Profile.HIGH
        case 244:
            return Profile.HIGH_444
        case _:
            return Profile.OTHER


def match_rank(offered: str, stream: str) -> tuple[int, int]:
    """How well a decoder announced as ``offered`` fits a stream; smaller is better.

    The first number is EXACT, COVERED, HOPED_FOR or IMPOSSIBLE, the second breaks ties.
    """
    decoder, needed = parse_profile_level_id(offered), parse_profile_level_id(stream)
    richness = _RICHNESS.index(decoder.profile)
    if needed.profile is Profile.OTHER:
        return (EXACT if offered[:2].lower() == stream[:2].lower() else IMPOSSIBLE), richness
    if decoder.profile is needed.profile:
        return EXACT, richness
    covered = needed.profile in _DECODES[decoder.profile]
    # Among decoders that cover the stream the poorest is the nearest.
    if covered:
        return COVERED, -richness
    return (IMPOSSIBLE if needed.profile is Profile.HIGH_444 else HOPED_FOR), richness
