"""WHEP over a bad network: what is lost comes again, and a bad spell leaves nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gamecast.media.track import Codec
from tests.server.site import Site
from tests.server.webrtc.impaired import ImpairedPeer, Impairment, Link
from tests.server.webrtc.studio import StudioPublisher, on_air


@asynccontextmanager
async def watching(
    site: Site, impairment: Impairment, *, seed: int
) -> AsyncIterator[tuple[StudioPublisher, ImpairedPeer, Link]]:
    """One viewer of ``main`` behind a link; the stream began a second before, in one group."""
    endpoint = site.server._ice
    assert endpoint is not None
    link = await Link.open(endpoint.address, impairment, seed=seed)
    try:
        async with (
            on_air(site, group=3000) as publisher,
            ImpairedPeer(f"{site.base_url}/live/main/whep", link) as peer,
        ):
            yield publisher, peer, link
    finally:
        link.close()


def assert_all_there(publisher: StudioPublisher, peer: ImpairedPeer, at_least: int) -> None:
    """Every picture since the keyframe is whole and in its place."""
    published = [packet.data for packet in publisher.sent if packet.is_video]
    units = peer.units(Codec.H264, "video")
    assert len(units) >= at_least
    # the keyframe has the parameter sets in front (RFC 6184 section 8.1)
    assert units[0].endswith(published[0])
    assert units[1:] == published[1 : len(units)]


def pictures(peer: ImpairedPeer) -> int:
    """Pictures whose last packet has come."""
    return len({packet.sequence for packet in peer.of("video") if packet.marker})


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.1])
async def test_every_picture_is_completed_by_retransmissions(site: Site, loss: float) -> None:
    bad = Impairment(loss=loss, delay=0.01, jitter=0.05, duplicate=0.02)
    async with watching(site, bad, seed=7) as (publisher, peer, link):
        await peer.until(lambda: peer.is_complete and pictures(peer) >= 75, within=20)
        assert_all_there(publisher, peer, 75)
        assert link.far.dropped > 0
        assert link.far.duplicated > 0
        assert peer.repaired > 0
        assert peer.reordered > 0


async def test_a_bad_spell_is_over_within_two_seconds(site: Site) -> None:
    bad = Impairment(delay=0.01)
    async with watching(site, bad, seed=7) as (publisher, peer, link):
        await peer.until(lambda: peer.is_complete and pictures(peer) >= 30)
        bad.loss = 0.3
        sent = len(publisher.sent)
        await peer.until(lambda: len(publisher.sent) - sent >= 2 * (30 + 50), within=20)
        assert link.far.dropped > 50
        bad.loss = 0.0
        over = sum(packet.is_video for packet in publisher.sent)
        await peer.until(lambda: peer.is_complete and pictures(peer) > over, within=2)
        assert_all_there(publisher, peer, over)
