"""Control characters of a peer's reach no header of ours and no SDP (rule R11).

Each form asks for something of which an answer names a part: a path, a query, an origin, an offer.
"""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc.answer import answer_play, answer_publish
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from tests.protocols.webrtc.test_answer import AUDIO, _local, _video
from tests.protocols.webrtc.test_sdp import offer_text
from tests.server.http_viewer import RawHttp
from tests.server.rtmp_peer import on_air
from tests.server.site import Site

CONTROLS = ["\r\n", "\n", "\r", "\0", "\v", "\x1b", "\x85", "\u2028"]
PATHS = [
    "/{}",
    "/live/{}.flv",
    "/live/main/{}",
    "/live/{}/index.m3u8",
    "/live/main/index.m3u8?token={}",
    "/live/main/index.m3u8?_HLS_msn={}",
    "/embed/{}?x={}",
    "/api/v1/streams/{}",
    "/api/v1/streams/{}/live",
    "/docs/{}",
    "/assets/{}",
]


@pytest.mark.parametrize("control", CONTROLS, ids=repr)
async def test_no_part_of_a_request_becomes_a_header(site: Site, control: str) -> None:
    publisher = await on_air(site)
    for path in PATHS:
        target = path.replace("{}", quote(f"main{control}x-injected: 1"))
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            async with await RawHttp.open(site.http) as http:
                http.request(target, "Content-Length: 0", method=method)
                await http.read_head()
            assert "x-injected" not in http.headers, (method, target)
    publisher.stop()


@pytest.mark.parametrize("control", [b"\r", b"\0", b"\v", b"\x1b", b"\x7f"], ids=repr)
async def test_no_part_of_a_header_becomes_another(site: Site, control: bytes) -> None:
    publisher = await on_air(site)
    for name in (b"Origin", b"Access-Control-Request-Headers", b"Accept-Language", b"Cookie"):
        line = b"%s: http://x%sx-injected: 1" % (name, control)
        async with await RawHttp.open(site.http) as http:
            http.send(b"OPTIONS /live/main/whep HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % line)
            await http.read_head()
        assert not any(control.decode() in value for value in http.headers.values())
        assert "x-injected" not in http.headers
    publisher.stop()


def clean(sdp: str) -> bool:
    """Lines as RFC 8866 section 9 has them, and no character that could make one more."""
    lines = sdp.removesuffix("\r\n").split("\r\n")
    return all(line[1:2] == "=" and line.isprintable() for line in lines)


@settings(max_examples=300, deadline=None)
@example(0, 900, "\x0b")
@example(0, 2164, "\x1b")
@given(st.integers(0, 1), st.integers(0, 8000), st.sampled_from(CONTROLS))
def test_no_control_character_of_an_offer_is_answered(kind: int, at: int, control: str) -> None:
    offer = offer_text(("chromium_simulcast", "chromium_recvonly")[kind])
    at %= len(offer)
    try:
        description = parse_sdp(offer[:at] + control + "a=injected:1" + offer[at:])
        if kind:
            answer = answer_play(description, _local(), [_video("h264"), AUDIO], session_id=1)
        else:
            answer = answer_publish(description, _local(), session_id=1)
    except WebRtcError:
        return
    assert clean(str(answer.answer)), str(answer.answer)
    assert "\na=injected" not in str(answer.answer)


def test_a_good_offer_is_answered_cleanly() -> None:
    """Or the test before would hold because nothing is answered."""
    offer = parse_sdp(offer_text("chromium_simulcast"))
    assert clean(str(answer_publish(offer, _local(), session_id=1).answer))
    assert not clean("v=0\r\na=mid:0\x0b\r\n")
