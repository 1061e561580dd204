"""WHIP end to end with a peer of our own: on air, refused, taken over, ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gamecast.media.payloads.h264 import H264Packetizer
from gamecast.media.track import Codec
from gamecast.protocols.webrtc.answer import OutgoingStream
from gamecast.protocols.webrtc.rtcp import SenderReport
from gamecast.protocols.webrtc.rtp import build_header
from gamecast.server.webrtc import whip
from tests.server.site import MakeSite, Site
from tests.server.webrtc.peer import SDP, Peer
from tests.server.webrtc.test_whep import _OFFER
from tests.support.events import until
from tests.support.media import Feed, h264_track

STREAMS = [
    OutgoingStream(
        kind="video", codec="h264", parameters={"profile-level-id": "64000d"}, ssrc=11, rtx_ssrc=12
    ),
    OutgoingStream(kind="audio", codec="opus", ssrc=21),
]


OFFER = _OFFER.replace("recvonly", "sendonly")


class Encoder:
    """Sends the synthetic feed over a session as browsers do, sender reports included."""

    def __init__(self, peer: Peer, *, skew: float = 0.0) -> None:
        assert peer.agreement is not None
        self._peer = peer
        self._types = {each.kind: each.payload_type for each in peer.agreement.media}
        self._sequence = {"video": 65_500, "audio": 7}
        self._packetizer = H264Packetizer(h264_track().config)
        self._feed = Feed(video=h264_track(), audio=None, group=30, frame_bytes=3000)
        self._skew = skew
        self.frames: list[bytes] = []

    async def run(self) -> None:
        number = 0
        while True:
            for packet in self._feed.packets(1 / 30):
                self.frames.append(packet.data)
                payloads = self._packetizer.packetize(packet.data)
                self._send("video", 11, payloads, 4_000_000_000 + packet.pts)
                sound = int((packet.pts / 90_000 + self._skew) * 48_000)
                self._send("audio", 21, [b"\x7c" + bytes(40)], 77 + sound)
            if number % 15 == 0:
                self._report(packet.pts / 90_000)
            number += 1
            await asyncio.sleep(1 / 30)

    def _send(self, kind: str, ssrc: int, payloads: list[bytes], timestamp: int) -> None:
        for index, payload in enumerate(payloads):
            header = build_header(
                payload_type=self._types[kind],
                sequence=self._sequence[kind] & 0xFFFF,
                timestamp=timestamp & 0xFFFFFFFF,
                ssrc=ssrc,
                marker=kind == "video" and index == len(payloads) - 1,
            )
            self._sequence[kind] += 1
            self._peer.send_rtp(header, payload)

    def _report(self, seconds: float) -> None:
        ntp = int((3_900_000_000 + seconds) * (1 << 32))
        video = 4_000_000_000 + int(seconds * 90_000)
        sound = 77 + int((seconds + self._skew) * 48_000)
        self._peer.send_rtcp(SenderReport(11, ntp, video & 0xFFFFFFFF, 1, 1))
        self._peer.send_rtcp(SenderReport(21, ntp, sound & 0xFFFFFFFF, 1, 1))


@asynccontextmanager
async def publishing(
    site: Site, *, name: str = "main", skew: float = 0.0
) -> AsyncIterator[tuple[Peer, Encoder]]:
    """A WHIP publisher with the channel's key."""
    async with Peer(f"{site.base_url}/live/{name}/whip", STREAMS, site.key) as peer:
        await peer.until(lambda: peer.session is not None and peer.session.is_connected)
        encoder = Encoder(peer, skew=skew)
        task = asyncio.create_task(encoder.run())
        try:
            yield peer, encoder
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def keyed(make_site: MakeSite) -> Site:
    """A server that wants keys and gives a publisher time to come back."""
    return await make_site(stream={"grace_seconds": 5})


async def on_air(site: Site) -> None:
    """Wait for ``main``."""
    await until(lambda: site.server.directory.get("main") is not None, "main on air")


async def test_publishes_with_tracks_from_the_bitstream(keyed: Site) -> None:
    async with publishing(keyed) as (_, encoder):
        await on_air(keyed)
        stream = keyed.stream()
        video, audio = stream.main_tracks
        assert (video.id, video.codec, video.width, video.height) == (0, Codec.H264, 320, 180)
        assert (audio.id, audio.codec, audio.channels) == (1, Codec.OPUS, 2)
        await until(lambda: len(stream.cached()) > 30, "a group")
        cached = [packet.data for packet in stream.cached() if packet.is_video]
        assert all(any(data.endswith(frame) for frame in encoder.frames) for data in cached)
        described = await keyed.json("/api/v1/streams/main")
        assert described["publisher"]["protocol"] == "whip"


async def test_sound_and_picture_are_aligned_by_sender_reports(keyed: Site) -> None:
    # The sound's clock starts 0.4 s later on the wire than its sampling says.
    async with publishing(keyed, skew=0.4):
        await on_air(keyed)
        stream = keyed.stream()

        def offset() -> float:
            last = {p.is_video: p.pts / p.track.clock_rate for p in stream.cached()}
            return last.get(True, 0.0) - last.get(False, 0.0) if len(last) == 2 else 9.0

        await until(lambda: abs(offset()) < 0.08, "aligned")


async def test_goes_on_to_a_whep_viewer(keyed: Site) -> None:
    async with publishing(keyed):
        await on_air(keyed)
        async with Peer(f"{keyed.base_url}/live/main/whep") as viewer:
            await viewer.until(lambda: len(viewer.units(Codec.H264, "video")) > 20)
            assert viewer.of("audio")


async def test_delete_takes_the_stream_off_the_air_at_once(keyed: Site) -> None:
    async with publishing(keyed) as (peer, _):
        await on_air(keyed)
        assert (await keyed.browser.delete(peer.resource)).status_code == 200
        assert keyed.server.directory.publishing("main") is None
        assert (await keyed.browser.delete(peer.resource)).status_code == 404
        await peer.until(lambda: peer.closed is not None)


async def test_a_farewell_and_then_delete_end_the_stream_too(keyed: Site) -> None:
    async with publishing(keyed) as (peer, _):
        await on_air(keyed)
    stream = keyed.stream()
    await until(lambda: stream.publisher is None, "the farewell heard")
    assert not stream.ended, "the grace time"
    assert (await keyed.browser.delete(peer.resource)).status_code == 200
    assert stream.ended


async def test_delete_after_silence_leaves_the_grace_time(
    keyed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whip, "_FLOWED_SECONDS", 0.1)
    async with publishing(keyed) as (peer, _):
        await on_air(keyed)
        stream = keyed.stream()
        peer.mute()
        await asyncio.sleep(0.3)  # the silence that is meant
        assert (await keyed.browser.delete(peer.resource)).status_code == 200
        assert stream.publisher is None
        assert not stream.ended
    async with publishing(keyed):
        await until(lambda: stream.publisher is not None, "the publisher back")
        assert keyed.stream() is stream


async def test_delete_of_a_session_that_was_taken_over_ends_nothing(keyed: Site) -> None:
    async with publishing(keyed) as (first, _):
        await on_air(keyed)
        async with publishing(keyed):
            assert (await keyed.browser.delete(first.resource)).status_code == 200
            assert keyed.stream().publisher is not None


async def test_same_key_takes_over(keyed: Site) -> None:
    async with publishing(keyed) as (first, _):
        await on_air(keyed)
        async with publishing(keyed):
            await first.until(lambda: first.closed is not None)
            assert keyed.stream().publisher is not None


async def test_one_that_never_connects_takes_nothing_over(keyed: Site) -> None:
    """A second encoder behind a firewall: it gets its answer, and the viewers keep their stream."""
    async with publishing(keyed) as (first, encoder):
        await on_air(keyed)
        second = Peer(f"{keyed.base_url}/live/main/whip", STREAMS, keyed.key)
        second.mute()
        async with second, Peer(f"{keyed.base_url}/live/main/whep") as viewer:
            assert second.resource
            seen = len(encoder.frames)
            await viewer.until(lambda: len(encoder.frames) > seen + 15 and viewer.of("video"))
            assert first.closed is None
            assert keyed.stream().publisher is not None
            assert (await keyed.browser.delete(second.resource)).status_code == 200
        assert not keyed.stream().ended


async def test_of_two_with_keys_of_their_own_the_first_to_connect_has_the_channel(
    keyed: Site,
) -> None:
    url, key = f"{keyed.base_url}/live/main/whip", await keyed.store.keys.create("main")
    late = Peer(url, STREAMS, key)
    late.mute()
    async with late, publishing(keyed) as (first, _):
        await on_air(keyed)
        late.is_muted = False
        await late.until(lambda: late.closed is not None)
        assert first.closed is None
        headers = SDP | {"authorization": f"Bearer {key}"}
        refused = await keyed.browser.post(url, content=OFFER, headers=headers)
        assert refused.status_code == 409


async def test_a_silent_publisher_is_soon_gone(
    keyed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whip, "_SILENT_SECONDS", 0.6)
    async with publishing(keyed) as (peer, _):
        await on_air(keyed)
        await asyncio.sleep(1)  # longer than the silence that is too long
        stream = keyed.stream()
        assert stream.publisher is not None
        peer.mute()
        await until(lambda: stream.publisher is None, "silence noticed", within=3)
        assert not stream.ended, "the grace time"
    async with publishing(keyed):
        await until(lambda: stream.publisher is not None, "the publisher back")


@pytest.mark.parametrize(("key", "status"), [("", 401), ("gc_wrong", 403)])
async def test_refused_without_the_right_key(keyed: Site, key: str, status: int) -> None:
    headers = SDP | ({"authorization": f"Bearer {key}"} if key else {})
    for path in ("/live/main/whip", "/whip", "/live/unknown/whip"):
        answer = await keyed.browser.post(path, content="v=0", headers=headers)
        assert answer.status_code == status, path


async def test_the_key_alone_names_the_channel(keyed: Site) -> None:
    async with Peer(f"{keyed.base_url}/whip", STREAMS, keyed.key) as peer:
        assert peer.resource.startswith("/live/main/whip/")


async def test_bad_offers(keyed: Site) -> None:
    headers = SDP | {"authorization": f"Bearer {keyed.key}"}
    for body in ("", "v=0\r\n", "m=video 9 RTP/AVP 96\r\n"):
        answer = await keyed.browser.post("/live/main/whip", content=body, headers=headers)
        assert answer.status_code == 400
    assert keyed.server.directory.publishing("main") is None


async def test_a_revoked_key_ends_its_publisher_within_seconds(keyed: Site) -> None:
    async with publishing(keyed) as (peer, _):
        await on_air(keyed)
        await keyed.store.keys.revoke_all("main")
        await peer.until(lambda: peer.closed is not None)
        assert keyed.server.directory.publishing("main") is None


async def test_a_publisher_above_the_bitrate_limit_is_closed(make_site: MakeSite) -> None:
    site = await make_site(stream={"max_bitrate": 100_000})
    async with Peer(f"{site.base_url}/live/main/whip", STREAMS, site.key) as peer:
        await peer.until(lambda: peer.session is not None and peer.session.is_connected)
        task = asyncio.create_task(Encoder(peer).run())
        await peer.until(lambda: peer.closed is not None)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            await task
