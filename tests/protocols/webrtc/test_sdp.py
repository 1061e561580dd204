"""SDP of real peers, of two composed ones, and of peers that mean no good."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc.candidate import host_candidates, parse_candidate
from gamecast.protocols.webrtc.credentials import IceCredentials, checked_credentials
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.sdp import Direction
from gamecast.protocols.webrtc.sdp_fragment import build_fragment, parse_fragment
from gamecast.protocols.webrtc.sdp_parse import MAX_SECTIONS, parse_sdp

DATA = Path(__file__).parent / "data"
OFFERS = sorted(path.stem for path in DATA.glob("*.sdp"))


def offer_text(name: str) -> str:
    """An offer; ``data/README.md`` says whose and how it was made."""
    return (DATA / f"{name}.sdp").read_bytes().decode()


@pytest.mark.parametrize("name", OFFERS)
def test_offers_of_all_peers_are_understood(name: str) -> None:
    offer = parse_sdp(offer_text(name))
    media = {section.kind: section for section in offer.media}
    assert {"video"} <= set(media) <= {"video", "audio", "application"}
    assert set(offer.bundle) == {section.mid for section in offer.media}
    for section in offer.media:
        assert not section.is_rejected
        assert section.setup in ("actpass", "passive")
        assert checked_credentials(section.ice_ufrag, section.ice_pwd)
        assert len(section.fingerprints) == 1
        if section.kind != "application":
            assert section.rtcp_mux
            assert section.codecs
            wanted = Direction.RECVONLY if name.endswith("recvonly") else Direction.SENDONLY
            assert section.direction is wanted


@pytest.mark.parametrize("name", OFFERS)
def test_what_is_written_is_read_again(name: str) -> None:
    offer = parse_sdp(offer_text(name))
    again = parse_sdp(str(offer))
    assert [section.codecs for section in again.media] == [s.codecs for s in offer.media]
    assert [section.extensions for section in again.media] == [s.extensions for s in offer.media]
    assert [section.rids for section in again.media] == [s.rids for s in offer.media]
    assert [section.simulcast_send for section in again.media] == [
        s.simulcast_send for s in offer.media
    ]
    assert [section.ssrcs for section in again.media] == [s.ssrcs for s in offer.media]


def test_chromium_in_detail() -> None:
    video = parse_sdp(offer_text("chromium_sendonly")).media[1]
    h264 = video.codec(102)
    assert h264 is not None
    assert (h264.name, h264.clock_rate) == ("h264", 90_000)
    assert h264.parameters["profile-level-id"] == "42001f"
    assert "nack pli" in h264.feedback
    rtx = video.rtx_for(102)
    assert rtx is not None
    assert rtx.payload_type == 103
    assert video.codec(103) == rtx
    assert video.codec(1) is None
    assert len(video.ssrcs) == 2
    assert [semantics for semantics, _ in video.ssrc_groups] == ["FID"]
    simulcast = parse_sdp(offer_text("chromium_simulcast")).media[0]
    assert simulcast.simulcast_send == ["q", "h", "f"]


def test_firefox_writes_fmtp_before_rtpmap_and_directions_of_extensions() -> None:
    offer = parse_sdp(offer_text("firefox_recvonly"))
    assert offer.username.startswith("mozilla")
    video = offer.media[0]
    vp8 = video.codec(120)
    assert vp8 is not None
    assert vp8.parameters == {"max-fs": "12288", "max-fr": "60"}
    delays = [e for e in video.extensions if e.uri.endswith("playout-delay")]
    assert [each.direction for each in delays] == [Direction.RECVONLY]


def test_session_level_fingerprint_holds_for_every_section() -> None:
    offer = parse_sdp(offer_text("libdatachannel_sendonly"))
    assert offer.media[0].fingerprints == offer.media[1].fingerprints != []


def test_a_bundle_only_section_is_not_rejected() -> None:
    audio = parse_sdp(offer_text("gstreamer122_sendonly")).media[1]
    assert audio.port == 0
    assert not audio.is_rejected


def _minimal(*lines: str) -> str:
    return "\r\n".join(["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", *lines, ""])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "v=1\r\n",
        _minimal("m=video 9"),
        _minimal("m=video 99999 UDP/TLS/RTP/SAVPF 96"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 H264"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:300 H264/90000"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 H264/0"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=extmap:x y"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=candidate:nonsense"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=fingerprint:sha-256 zz"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=ssrc:99999999999 cname:x"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "m=audio 9 X 0", "a=mid:0"),
        _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", *["a=rid:x send"] * 50),
        _minimal("a=group:BUNDLE 0 1", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0"),
        _minimal(*["m=video 9 UDP/TLS/RTP/SAVPF 96"] * (MAX_SECTIONS + 1)),
        _minimal("a=x" * 50_000),
        _minimal(*["a=x"] * 5000),
        _minimal("a=\0"),
        _minimal("nonsense"),
        _minimal().replace("\r\n", "\r"),
        "v=0\r\no=- x 1 IN IP4 0.0.0.0\r\n",
    ],
)
def test_malformed_descriptions_are_refused(text: str) -> None:
    with pytest.raises(WebRtcError):
        parse_sdp(text)


def test_odd_but_harmless_lines_are_passed_over() -> None:
    text = _minimal(
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "a=fmtp:webrtc max=1",
        "a=fmtp:96 0-15;;a = b",
        "a=rtpmap:96 H264/90000",
        "a=max-message-size:18446744073709551616",
        "z=whatever",
    )
    (video,) = parse_sdp(text).media
    assert video.codecs[0].parameters == {"": "0-15", "a": "b"}


@given(st.text(max_size=300))
@settings(max_examples=100)
def test_only_the_documented_error_escapes_from_text(text: str) -> None:
    for candidate in (text, _minimal(text), _minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", text)):
        try:
            parse_sdp(candidate)
        except WebRtcError:
            continue


_names = ["mid", "ice-ufrag", "fingerprint", "candidate", "rtpmap", "fmtp", "rtcp-fb", "extmap"]
_names += ["rid", "simulcast", "ssrc", "ssrc-group", "msid", "setup", "group", "sendonly"]


@given(
    st.lists(
        st.tuples(st.sampled_from(_names), st.text("0169 :/;=,-abH.~", max_size=30)), max_size=8
    )
)
@settings(max_examples=150)
def test_only_the_documented_error_escapes_from_attributes(pairs: list[tuple[str, str]]) -> None:
    lines = [f"a={name}:{value}" for name, value in pairs]
    try:
        parse_sdp(_minimal("m=video 9 UDP/TLS/RTP/SAVPF 96 0 6", *lines))
    except WebRtcError:
        return


@given(st.data())
@settings(max_examples=60)
def test_a_damaged_real_offer_only_raises_the_documented_error(data: st.DataObject) -> None:
    text = offer_text(data.draw(st.sampled_from(OFFERS)))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    damaged = text[:start] + data.draw(st.text(max_size=10)) + text[end:]
    try:
        str(parse_sdp(damaged))
    except WebRtcError:
        return


# --- candidates, credentials, fragments -----------------------------------------------------------


def test_candidates_of_real_peers() -> None:
    text = "candidate:2398920056 1 tcp 1518214911 192.0.2.2 54885 typ host tcptype passive"
    tcp = parse_candidate(text + " generation 0 network-id 1")
    assert (tcp.is_udp, tcp.tcp_type, tcp.port) == (False, "passive", 54885)
    assert tcp.to_sdp() == text
    mdns = parse_candidate("candidate:0 1 UDP 2122187007 47c8be5d.local 46050 typ host")
    assert mdns.is_udp
    assert mdns.ip is None


def test_our_candidates_prefer_udp_and_earlier_hosts() -> None:
    found = host_candidates(["192.0.2.1", "2001:db8::1"], 8189, tcp_port=8189)
    assert [c.transport for c in found] == ["udp", "udp", "tcp", "tcp"]
    priorities = [c.priority for c in found]
    assert priorities == sorted(priorities, reverse=True)
    assert all(parse_candidate(c.to_sdp()) == c for c in found)


@given(st.text("candidte:0123456789 .udptcyhos-", max_size=80))
@settings(max_examples=60)
def test_candidate_text_only_raises_the_documented_error(text: str) -> None:
    try:
        parse_candidate(text)
    except WebRtcError:
        return


@pytest.mark.parametrize(
    ("ufrag", "pwd"),
    [
        ("", "x" * 22),
        ("abc", "x" * 22),
        ("abcd", "x" * 3),
        ("ab\ncd", "x" * 22),
        ("a" * 257, "x" * 22),
    ],
)
def test_poor_credentials_are_refused(ufrag: str, pwd: str) -> None:
    with pytest.raises(WebRtcError):
        checked_credentials(ufrag, pwd)


def test_passwords_are_not_in_reprs() -> None:
    credentials = IceCredentials("ufrag", "secretsecretsecretsecret")
    assert "secret" not in repr(credentials)
    section = parse_sdp(offer_text("composed_obs32_simulcast")).media[0]
    assert section.ice_pwd not in repr(section)


def test_fragments() -> None:
    fragment = parse_fragment(
        "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
        "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
        "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n"
        "a=end-of-candidates\r\n"
    )
    assert fragment.credentials.ufrag == "EsAw"
    assert [c.port for c in fragment.candidates] == [61764]
    assert fragment.is_complete
    ours = build_fragment(fragment.credentials, fragment.candidates)
    assert parse_fragment(ours) == fragment
    with pytest.raises(WebRtcError):
        parse_fragment("a=candidate:1 1 udp 1 192.0.2.1 1 typ host")
    with pytest.raises(WebRtcError):
        parse_fragment("a=x\n" * 10_000)
