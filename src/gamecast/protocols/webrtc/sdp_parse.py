"""Reading SDP (RFC 8866) from a peer: strict about what counts, deaf to what does not.

Everything a peer chooses is bounded. Lines of unknown kind are passed over; malformed values
of known kind raise, for a guess about transport or codecs only fails later and less clearly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from gamecast.protocols.webrtc.candidate import parse_candidate
from gamecast.protocols.webrtc.certificate import Fingerprint, parse_fingerprint
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.sdp import (
    Direction,
    HeaderExtension,
    MediaSection,
    Rid,
    RtpCodec,
    SessionDescription,
)

MAX_LENGTH = 128 * 1024
MAX_LINES = 4000
MAX_SECTIONS = 32
MAX_CANDIDATES = 100
MAX_FINGERPRINTS = 8
MAX_RIDS = 16
MAX_SSRCS = 64
_DIRECTIONS = frozenset(each.value for each in Direction)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}")
_MEDIA = re.compile(
    r"([a-z]{1,16}) ([0-9]{1,5})(?:/[0-9]+)? ([A-Z/]{1,32})((?: [A-Za-z0-9-]{1,32})*)"
)
_RTPMAP = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9._-]{1,32})/([0-9]{1,7})(?:/([0-9]{1,2}))?")
_EXTMAP = re.compile(
    r"([0-9]{1,5})(?:/(sendrecv|sendonly|recvonly|inactive))? ([^ ]{1,255})(?: .*)?"
)
_RID = re.compile(r"([A-Za-z0-9_-]{1,64}) (send|recv)(?: ([^ ]{1,255}))?")


@dataclass(slots=True)
class _Level:
    """What may stand at session level and holds for every section that does not say otherwise."""

    ufrag: str = ""
    pwd: str = field(default="", repr=False)
    fingerprints: list[Fingerprint] = field(default_factory=list)
    setup: str = ""
    direction: Direction = Direction.SENDRECV


@dataclass(slots=True)
class _Section:
    """A section in the making: codecs are put together at its end, for lines come in any order."""

    media: MediaSection
    rtpmaps: dict[int, re.Match[str]] = field(default_factory=dict)
    parameters: dict[int, dict[str, str]] = field(default_factory=dict)
    feedback: dict[str, list[str]] = field(default_factory=dict)


def parse_sdp(text: str) -> SessionDescription:
    """An offer or answer. Raises WebRtcError."""
    session, level = SessionDescription(), _Level()
    section: _Section | None = None
    lines = _lines(text)
    if not lines or lines[0] != "v=0":
        raise WebRtcError("SDP does not begin with v=0")
    for line in lines[1:]:
        kind, value = line[0], line[2:]
        if kind == "m":
            _finish(section)
            section = _start_section(value, session, level)
        elif kind == "o":
            session.username, session.session_id, session.version = _origin(value)
        elif kind == "a":
            name, _, rest = value.partition(":")
            if section is None:
                _session_attribute(name, rest.strip(), session, level)
            else:
                _media_attribute(name, rest.strip(), section)
    _finish(section)
    _check_mids(session)
    return session


def _lines(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise WebRtcError("SDP is too long")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if len(lines) > MAX_LINES:
        raise WebRtcError("SDP has too many lines")
    # RFC 8866 section 9 forbids NUL, CR and LF inside of lines; the others serve nobody either, and
    # some of what an offer says (format parameters) is said again in its answer.
    if not all(line.isprintable() for line in lines):
        raise WebRtcError("SDP has control characters")
    kept = [line for line in lines if line]
    if any(len(line) < 2 or line[1] != "=" for line in kept):
        raise WebRtcError("SDP line is not of the form x=value")
    return kept


def _origin(value: str) -> tuple[str, int, int]:
    fields = value.split(" ")
    if len(fields) != 6 or not all(each.isascii() and each.isdigit() for each in fields[1:3]):
        raise WebRtcError("malformed SDP origin")
    return fields[0], int(fields[1][:20]), int(fields[2][:20])


def _start_section(value: str, session: SessionDescription, level: _Level) -> _Section:
    match = _MEDIA.fullmatch(value)
    if match is None or len(session.media) >= MAX_SECTIONS or int(match[2]) > 65535:
        raise WebRtcError("malformed or too many SDP media sections")
    media = MediaSection(
        kind=match[1],
        port=int(match[2]),
        protocol=match[3],
        formats=match[4].split(),
        direction=level.direction,
        setup=level.setup,
        ice_ufrag=level.ufrag,
        ice_pwd=level.pwd,
        fingerprints=list(level.fingerprints),
    )
    session.media.append(media)
    return _Section(media)


def _session_attribute(name: str, value: str, session: SessionDescription, level: _Level) -> None:
    if name == "group" and value.startswith("BUNDLE"):
        session.bundle = value.split()[1:][:MAX_SECTIONS]
    elif name == "ice-lite":
        session.ice_lite = True
    elif name == "extmap-allow-mixed":
        session.extmap_allow_mixed = True
    elif name == "ice-options":
        session.ice_options = value.split()[:8]
    elif name == "ice-ufrag":
        level.ufrag = value
    elif name == "ice-pwd":
        level.pwd = value
    elif name == "fingerprint" and len(level.fingerprints) < MAX_FINGERPRINTS:
        level.fingerprints.append(parse_fingerprint(value))
    elif name == "setup":
        level.setup = value
    elif name in _DIRECTIONS:
        level.direction = Direction(name)


def _media_attribute(name: str, value: str, section: _Section) -> None:
    if name in _DIRECTIONS:
        section.media.direction = Direction(name)
        return
    reader = _READERS.get(name)
    if reader is not None:
        reader(value, section)


def _read_mid(value: str, section: _Section) -> None:
    if not _TOKEN.fullmatch(value):
        raise WebRtcError("malformed SDP mid")
    section.media.mid = value


def _read_text(attribute: str) -> Callable[[str, _Section], None]:
    def read(value: str, section: _Section) -> None:
        setattr(section.media, attribute, value[:256])

    return read


def _read_flag(attribute: str) -> Callable[[str, _Section], None]:
    def read(value: str, section: _Section) -> None:
        setattr(section.media, attribute, True)

    return read


def _read_fingerprint(value: str, section: _Section) -> None:
    if len(section.media.fingerprints) < MAX_FINGERPRINTS:
        section.media.fingerprints.append(parse_fingerprint(value))


def _read_candidate(value: str, section: _Section) -> None:
    if len(section.media.candidates) < MAX_CANDIDATES:
        section.media.candidates.append(parse_candidate(value))


def _read_rtpmap(value: str, section: _Section) -> None:
    match = _RTPMAP.fullmatch(value)
    if match is None or int(match[1]) > 127 or int(match[3]) == 0:
        raise WebRtcError("malformed SDP rtpmap")
    section.rtpmaps[int(match[1])] = match


def _read_fmtp(value: str, section: _Section) -> None:
    number, _, rest = value.partition(" ")
    if not (number.isascii() and number.isdigit() and len(number) <= 3 and int(number) <= 127):
        return  # Some write fmtp for formats that are no payload types.
    parameters = section.parameters.setdefault(int(number), {})
    for pair in rest.split(";")[:64]:
        name, equals, setting = pair.strip().partition("=")
        if equals:
            parameters[name.strip().lower()[:64]] = setting.strip()[:1024]
        elif name:
            parameters[""] = name[:1024]


def _read_feedback(value: str, section: _Section) -> None:
    number, _, rest = value.partition(" ")
    entries = section.feedback.setdefault(number[:3], [])
    if len(entries) < 16:
        entries.append(" ".join(rest.split())[:64])


def _read_extmap(value: str, section: _Section) -> None:
    match = _EXTMAP.fullmatch(value)
    if match is None:
        raise WebRtcError("malformed SDP extmap")
    extension = HeaderExtension(
        id=int(match[1]), uri=match[3], direction=Direction(match[2] or "sendrecv")
    )
    if 1 <= extension.id <= 255 and len(section.media.extensions) < 64:
        section.media.extensions.append(extension)


def _read_rid(value: str, section: _Section) -> None:
    match = _RID.fullmatch(value)
    if match is None or len(section.media.rids) >= MAX_RIDS:
        raise WebRtcError("malformed or too many SDP rids")
    rid = Rid(id=match[1], direction=match[2], parameters=match[3] or "")
    section.media.rids.append(rid)


def _read_simulcast(value: str, section: _Section) -> None:
    """RFC 8853 section 5.1; of alternatives (``a,b``) the first counts, ``~`` means paused."""
    words = value.split()
    for way, layers in zip(words[::2], words[1::2], strict=False):
        rids = [each.split(",")[0].lstrip("~") for each in layers.split(";")][:MAX_RIDS]
        if way == "send":
            section.media.simulcast_send = rids
        elif way == "recv":
            section.media.simulcast_recv = rids


def _read_ssrc(value: str, section: _Section) -> None:
    number, _, attribute = value.partition(" ")
    ssrc = _ssrc(number)
    ssrcs = section.media.ssrcs
    if ssrc in ssrcs or len(ssrcs) < MAX_SSRCS:
        ssrcs.setdefault(ssrc, "")
        if attribute.startswith("cname:"):
            ssrcs[ssrc] = attribute[6:262]


def _read_ssrc_group(value: str, section: _Section) -> None:
    semantics, *numbers = value.split()[: MAX_SSRCS + 1] or [""]
    if len(section.media.ssrc_groups) < MAX_SSRCS:
        section.media.ssrc_groups.append((semantics[:16], [_ssrc(each) for each in numbers]))


def _ssrc(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 1 << 32):
        raise WebRtcError("malformed SSRC in SDP")
    return int(text)


_READERS: dict[str, Callable[[str, _Section], None]] = {
    "mid": _read_mid,
    "ice-ufrag": _read_text("ice_ufrag"),
    "ice-pwd": _read_text("ice_pwd"),
    "setup": _read_text("setup"),
    "msid": _read_text("msid"),
    "rtcp-mux": _read_flag("rtcp_mux"),
    "rtcp-rsize": _read_flag("rtcp_rsize"),
    "extmap-allow-mixed": _read_flag("extmap_allow_mixed"),
    "bundle-only": _read_flag("bundle_only"),
    "fingerprint": _read_fingerprint,
    "candidate": _read_candidate,
    "rtpmap": _read_rtpmap,
    "fmtp": _read_fmtp,
    "rtcp-fb": _read_feedback,
    "extmap": _read_extmap,
    "rid": _read_rid,
    "simulcast": _read_simulcast,
    "ssrc": _read_ssrc,
    "ssrc-group": _read_ssrc_group,
}


def _finish(section: _Section | None) -> None:
    """Put the codecs together, in the order of the m-line (which is the peer's preference)."""
    if section is None:
        return
    media = section.media
    for text in media.formats:
        match = section.rtpmaps.get(int(text)) if text.isascii() and text.isdigit() else None
        if match is None:
            continue
        number = int(match[1])
        media.codecs.append(
            RtpCodec(
                payload_type=number,
                name=match[2].lower(),
                clock_rate=int(match[3]),
                channels=int(match[4] or 1),
                parameters=section.parameters.get(number, {}),
                feedback=section.feedback.get(str(number), []) + section.feedback.get("*", []),
            )
        )


def _check_mids(session: SessionDescription) -> None:
    mids = [media.mid for media in session.media if media.mid]
    if len(set(mids)) != len(mids):
        raise WebRtcError("two SDP media sections have one mid")
    if not set(session.bundle) <= set(mids):
        raise WebRtcError("SDP bundles a section that it does not have")
