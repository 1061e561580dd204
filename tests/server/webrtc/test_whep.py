"""WHEP end to end with a peer of our own: joining, repairs, sharing, refusals, leaving."""

from __future__ import annotations

import asyncio

import pytest

from gamecast.media.track import Codec, Kind
from gamecast.protocols.webrtc import session as webrtc_session
from gamecast.protocols.webrtc.rtcp import ReceiverReport, ReportBlock, SenderReport
from gamecast.protocols.webrtc.rtcp_feedback import (
    GenericNack,
    PictureLossIndication,
    ReceiverEstimate,
)
from gamecast.relay.stream import Stream
from gamecast.server.webrtc.source import WebRtcSource
from gamecast.server.webrtc.viewer import WhepViewer
from tests.server.site import MakeSite, Site
from tests.server.webrtc.peer import SDP, Peer
from tests.server.webrtc.studio import on_air
from tests.support.events import until


def url(site: Site) -> str:
    """Where viewers of ``main`` post their offers."""
    return f"{site.base_url}/live/main/whep"


def source(site: Site) -> WebRtcSource:
    """The stream's WebRTC source."""
    found = site.stream().find_rendition(WebRtcSource.KEY)
    assert isinstance(found, WebRtcSource)
    return found


async def test_viewer_gets_the_group_from_its_keyframe_and_then_live(site: Site) -> None:
    async with on_air(site, group=300) as publisher, Peer(url(site)) as peer:
        await peer.until(lambda: len(peer.units(Codec.H264, "video")) > 60)
        sequences = [packet.sequence for packet in peer.of("video")]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
        published = [packet.data for packet in publisher.sent if packet.is_video]
        got = peer.units(Codec.H264, "video")[:60]
        # the keyframe has the parameter sets in front (RFC 6184 section 8.1)
        assert got[0].endswith(published[0])
        assert got[1:] == published[1:60]
        assert len(peer.of("audio")) > 10
        assert site.stream().audience() == {"total": 1, "whep": 1}


@pytest.mark.parametrize(("player", "late"), [("-", 0.0), ("mozilla...THIS_IS_SDPARTA-99.0", 0.06)])
async def test_sound_and_picture_are_on_one_clock(site: Site, player: str, late: float) -> None:
    """Firefox does not know how late its own sound is: its pictures are told to wait for it."""
    peer = Peer(url(site))
    peer.username = player
    async with on_air(site), peer:
        await peer.until(
            lambda: len({p.ssrc for p in peer.rtcp if isinstance(p, SenderReport)}) == 2
        )
        reports = {p.ssrc: p for p in peer.rtcp if isinstance(p, SenderReport)}
        video, audio = (reports[ssrc] for ssrc in sorted(reports))
        seconds = (video.ntp_time - audio.ntp_time) / (1 << 32)
        ahead = audio.rtp_timestamp / 48_000 - video.rtp_timestamp / 90_000 + seconds
        assert abs(ahead - late) < 0.005


async def test_payloads_are_made_once_for_all_viewers(site: Site) -> None:
    async with on_air(site):
        peers = [Peer(url(site)) for _ in range(8)]
        for peer in peers:
            await peer.__aenter__()
        for peer in peers:
            await peer.until(lambda peer=peer: len(peer.of("video")) > 100)  # type: ignore[misc]
        rtp = source(site).rtp
        frames = {id(found[0]): found[0] for found in rtp.lines[Kind.VIDEO]._ring.values()}
        sent = [frame for frame in frames.values() if frame.shared]
        assert sent
        assert all(len(frame.shared) == 1 for frame in sent), "one variant, one set of headers"
        for peer in peers:
            await peer.__aexit__()


async def test_estimates_are_held_against_what_viewers_are_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not against the publisher's bitrate, which a re-encode may be far below."""
    asked: list[int] = []

    def may_have_group(_: WhepViewer, bitrate: int, now: float) -> bool:
        asked.append(bitrate)
        return True

    monkeypatch.setattr(WhepViewer, "may_have_group", may_have_group)
    monkeypatch.setattr(Stream, "bitrate", 100_000_000)
    async with on_air(site, group=15), Peer(url(site)) as peer:
        await peer.until(lambda: len(asked) > 1)
    assert asked[-1] == pytest.approx(30 * 4000 * 8, rel=0.4)


async def test_lost_packets_come_again_as_rtx(site: Site) -> None:
    async with on_air(site), Peer(url(site)) as peer:
        lost: list[int] = []

        def drop(packet: object) -> bool:
            sequence = packet.sequence  # type: ignore[attr-defined]
            if sequence % 10 == 3 and sequence not in lost and len(lost) < 5:
                lost.append(sequence)
                return True
            return False

        peer.drop = drop
        await peer.until(lambda: len(lost) == 5)
        ssrc = peer.of("video")[0].ssrc
        peer.send_rtcp(GenericNack(1, ssrc, lost))
        assert peer.agreement is not None
        rtx = peer.agreement.media[0].rtx_payload_type

        def repaired() -> set[int]:
            repeats = [p for p in peer.rtp if p.payload_type == rtx]
            return {int.from_bytes(p.payload[:2], "big") for p in repeats}

        await peer.until(lambda: set(lost) <= repaired())


async def test_picture_loss_repeats_the_group_and_asks_the_publisher(site: Site) -> None:
    async with on_air(site, group=300) as publisher, Peer(url(site)) as peer:
        await peer.until(lambda: len(peer.of("video")) > 40)
        assert peer.agreement is not None
        rtx = peer.agreement.media[0].rtx_payload_type
        peer.send_rtcp(PictureLossIndication(1, peer.of("video")[0].ssrc))
        await peer.until(lambda: sum(p.payload_type == rtx for p in peer.rtp) > 30)
        assert publisher.keyframes == 1


async def test_leaving_by_delete_frees_everything(site: Site) -> None:
    async with on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: peer.rtp)
        answer = await site.browser.delete(peer.resource)
        assert answer.status_code == 200
        await peer.until(lambda: peer.closed is not None)
        assert site.stream().audience() == {"total": 0}
        assert (await site.browser.delete(peer.resource)).status_code == 404


async def test_the_stream_s_end_closes_its_viewers(site: Site) -> None:
    async with on_air(site) as publisher, Peer(url(site)) as peer:
        await peer.until(lambda: peer.rtp)
        assert publisher.protocol == "test"
        site.stream().end("over")
        await peer.until(lambda: peer.closed is not None)
        assert site.server._ice is not None
        assert len(site.server._ice) == 0


async def test_a_source_waits_for_a_viewer_that_connects_slowly(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc_session, "CONNECT_TIMEOUT", 0.3)
    async with on_air(site), on_hold(site):
        stream = site.stream()
        expecting = source(site)
        stream.tick()
        assert source(site) is expecting
        await until(lambda: stream.find_rendition(WebRtcSource.KEY) is None, "let go of")


async def test_sessions_that_never_connect_are_reaped(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc_session, "CONNECT_TIMEOUT", 0.2)
    async with on_air(site):
        async with Peer(url(site)) as peer:
            assert peer.agreement is not None
            offer = str(peer.agreement.answer)
        del offer
        endpoint = site.server._ice
        assert endpoint is not None
        for _ in range(50):
            async with on_hold(site):
                pass
        await until(lambda: len(endpoint) == 0, "all sessions gone")


class on_hold:  # noqa: N801  # reads as a verb where it is used
    """An offer whose peer never sends a datagram."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __aenter__(self) -> None:
        answer = await self._site.browser.post(
            "/live/main/whep", content=_OFFER, headers=SDP, timeout=5
        )
        assert answer.status_code == 201, answer.text

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)


_OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuv",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=mid:0",
        "a=recvonly",
        "a=rtcp-mux",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;profile-level-id=640033;level-asymmetry-allowed=1",
        "",
    ]
)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (415, "v=0", "text/plain"),
        (400, "", "application/sdp"),
        (400, "v=0\r\nnonsense", "application/sdp"),
        (400, "m=" * 1000, "application/sdp"),
        (413, "v=0\r\n" * 40_000, "application/sdp"),
        (406, _OFFER.replace("recvonly", "sendonly"), "application/sdp"),
    ],
)
async def test_offers_that_cannot_be_answered(
    site: Site, status: int, body: str, kind: str
) -> None:
    async with on_air(site):
        answer = await site.browser.post(
            "/live/main/whep", content=body, headers={"content-type": kind}
        )
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


async def test_not_on_air_and_options(site: Site) -> None:
    answer = await site.browser.post("/live/main/whep", content=_OFFER, headers=SDP)
    assert answer.status_code == 404
    preflight = await site.browser.options("/live/main/whep")
    assert "POST" in preflight.headers["access-control-allow-methods"]


async def test_a_token_is_asked_for_where_playing_is_not_open(make_site: MakeSite) -> None:
    site = await make_site(auth={"publish": "open", "play": "key"})
    async with on_air(site):
        answer = await site.browser.post("/live/main/whep", content=_OFFER, headers=SDP)
        assert answer.status_code == 401


async def test_a_narrow_network_gets_the_beginning_of_groups_and_all_sound(
    site: Site,
) -> None:
    async with on_air(site, group=30), Peer(url(site)) as peer:
        await peer.until(lambda: len(peer.of("video")) > 20)
        ssrc = peer.of("video")[0].ssrc
        (viewer,) = source(site).rtp.viewers
        for number in range(40):  # four seconds of bad news
            highest, lost = peer.of("video")[-1].sequence, number * 8
            block = ReportBlock(ssrc, 0, lost, highest, 0, 0, 0)
            peer.send_rtcp(ReceiverReport(1, [block]))
            peer.send_rtcp(ReceiverEstimate(1, 300_000, [ssrc]))
            await asyncio.sleep(0.1)
        await peer.until(lambda: viewer.dropped_groups >= 1)
        assert viewer.reception.estimate == pytest.approx(300_000, rel=0.01)
        numbers = {packet.sequence for packet in peer.of("video")}
        missing = sorted(set(range(min(numbers), max(numbers))) - numbers)
        assert not missing or len(missing) > 20, "the end of a group"
        count = len(peer.of("audio"))
        await peer.until(lambda: len(peer.of("audio")) > count + 10)
