"""Whole sessions: connecting under loss, and the attacks that a stranger can try."""

from __future__ import annotations

import gc
import os
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc import stun
from gamecast.protocols.webrtc.certificate import Fingerprint
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.events import (
    Closed,
    Connected,
    PairSelected,
    RtcpReceived,
    RtpReceived,
)
from gamecast.protocols.webrtc.mux import DatagramKind
from gamecast.protocols.webrtc.rtcp_feedback import PictureLossIndication
from gamecast.protocols.webrtc.rtp import build_header
from gamecast.protocols.webrtc.srtp_keys import SrtpProfile
from gamecast.protocols.webrtc.stun import Attribute, MessageClass
from tests.protocols.webrtc.peers import (
    CLIENT,
    SERVER,
    START,
    Pair,
    lose_nth,
    lose_randomly,
    of_type,
)

STRANGER = ("203.0.113.66", 5555)
ALERT = bytes.fromhex("15fefd000000000000000000020228")


def _header(sequence: int = 7) -> bytes:
    return build_header(payload_type=96, sequence=sequence, timestamp=90, ssrc=0x1234)


def _media_flows(pair: Pair) -> None:
    pair.server.send_rtp(_header(), b"picture")
    pair.client.send_rtcp([PictureLossIndication(1, 2)])
    pair.run(0.1)
    assert of_type(pair.events["client"], RtpReceived)[-1].packets[0].payload == b"picture"
    assert of_type(pair.events["server"], RtcpReceived)[-1].packets == [PictureLossIndication(1, 2)]


@pytest.mark.parametrize("server_is_dtls_client", [False, True])
@pytest.mark.parametrize("profile", list(SrtpProfile))
def test_connects_and_media_flows(profile: SrtpProfile, server_is_dtls_client: bool) -> None:
    pair = Pair(profiles=(profile,), server_is_dtls_client=server_is_dtls_client)
    pair.connect()
    assert of_type(pair.events["server"], Connected) == [Connected(profile)]
    _media_flows(pair)


def test_a_clean_connection_takes_five_round_trips_at_most() -> None:
    pair = Pair()
    pair.connect()
    assert pair.now - START < 5 * 2 * Pair.DELAY + 0.05


# The second datagram of the DTLS server is the last flight: see test_dtls for its loss.
@pytest.mark.parametrize(("role", "number"), [("client", 1), ("client", 2), ("server", 1)])
@pytest.mark.parametrize("server_is_dtls_client", [False, True])
def test_each_lost_dtls_flight_is_sent_again(
    role: str, number: int, server_is_dtls_client: bool
) -> None:
    other = {"client": "server", "server": "client"}
    sender = other[role] if server_is_dtls_client else role
    pair = Pair(
        lose=lose_nth(sender, DatagramKind.DTLS, number),
        server_is_dtls_client=server_is_dtls_client,
    )
    pair.connect(seconds=3.0)
    _media_flows(pair)


@pytest.mark.parametrize("seed", range(5))
def test_connects_although_a_tenth_of_all_datagrams_is_lost(seed: int) -> None:
    lose = lose_randomly(0.1, seed)
    # The last flight of the DTLS server is repaired by OpenSSL's clock, which is not ours.
    dtls_datagrams = 0

    def lose_but_last(name: str, data: bytes) -> bool:
        nonlocal dtls_datagrams
        if name == "server" and data and 20 <= data[0] <= 63:
            dtls_datagrams += 1
            return dtls_datagrams == 1 and lose(name, data)
        return lose(name, data)

    pair = Pair(lose=lose_but_last)
    pair.connect(seconds=10.0)


def test_a_burst_is_judged_datagram_by_datagram() -> None:
    pair = Pair()
    pair.connect()
    assert pair.client.sender is not None
    media = [pair.client.sender.protect(_header(n), b"picture %d" % n) for n in range(4)]
    forged = bytearray(media[0])
    forged[-1] ^= 1
    report = pair.client.sender.protect_rtcp(PictureLossIndication(1, 2).to_bytes())
    check = _check(pair, key=pair.local.key)
    burst = [
        b"",
        bytes(forged),
        *media[:2],
        media[0],
        check,
        report,
        *media[2:],
        bytes(3000),
    ]
    assert pair.router.receive_burst(burst[:5], STRANGER, pair.now) == []
    assert pair.server.dropped["SRTP"] == 0, "a stranger's media is not even tried"
    found = pair.router.receive_burst(burst, CLIENT, pair.now)
    assert {session for session, _ in found} == {pair.server}
    events = [event for _, each in found for event in each]
    heard = [[packet.payload for packet in each.packets] for each in of_type(events, RtpReceived)]
    assert heard == [[b"picture 0", b"picture 1"], [b"picture 2", b"picture 3"]]
    assert of_type(events, RtcpReceived)[0].packets == [PictureLossIndication(1, 2)]
    assert pair.server.dropped["SRTP"] == 2, "one forged, one replayed"
    pair.server.close()
    assert pair.router.receive_burst(media, CLIENT, pair.now) == [(pair.server, [])]


# --- the four attacks that stock aiortc falls to -------------------------------------------------


def test_an_empty_datagram_never_hurts() -> None:
    pair = Pair()
    for address in (STRANGER, CLIENT):
        pair.router.receive_datagram(b"", address, pair.now)
        assert pair.server.receive_datagram(b"", address, pair.now) == []
    pair.connect()
    assert pair.server.receive_datagram(b"", CLIENT, pair.now) == []
    assert pair.client.receive_datagram(b"", SERVER, pair.now) == []
    _media_flows(pair)


def test_a_plaintext_alert_before_ice_is_ignored() -> None:
    pair = Pair()
    for address in (STRANGER, CLIENT):
        assert pair.router.receive_datagram(ALERT, address, pair.now) is None
        assert pair.server.receive_datagram(ALERT, address, pair.now) == []
    pair.connect()


def test_a_plaintext_alert_from_the_peers_own_address_is_ignored_during_and_after() -> None:
    pair = Pair()
    pair.start()
    while pair.server.selected is None:
        pair.run(0.005)
    for _ in range(20):
        pair.server.receive_datagram(ALERT, CLIENT, pair.now)
        pair.client.receive_datagram(ALERT, SERVER, pair.now)
        pair.run(0.01)
    assert pair.server.is_connected
    pair.server.receive_datagram(ALERT, CLIENT, pair.now)
    _media_flows(pair)


def test_datagrams_before_ice_leave_nothing_behind() -> None:
    pair = Pair()
    noise = [b"\x16\xfe\xfd" + os.urandom(1200), b"\x80\x60" + os.urandom(1200), os.urandom(3)]
    for index in range(3000):
        address = (f"203.0.113.{index % 250}", 1024 + index)
        assert pair.router.receive_datagram(noise[index % 3], address, pair.now) is None
        assert pair.server.receive_datagram(noise[index % 3], address, pair.now) == []
    assert pair.server.datagrams_to_send() == []
    assert pair.server.selected is None
    assert pair.router.dropped.total() == 3000
    assert len(pair.router.dropped) <= 5
    pair.connect()


# --- STUN from strangers --------------------------------------------------------------------------


def _check(pair: Pair, *, key: bytes | None, username: str | None = None) -> bytes:
    name = username or f"{pair.local.ufrag}:{pair.remote.ufrag}"
    attributes: list[tuple[int, bytes]] = [
        (Attribute.USERNAME, name.encode()),
        (Attribute.PRIORITY, b"\0\0\0\1"),
        (Attribute.ICE_CONTROLLING, bytes(8)),
        (Attribute.USE_CANDIDATE, b""),
    ]
    return stun.build(MessageClass.REQUEST, os.urandom(12), attributes, key=key)


def test_an_unauthenticated_check_gets_no_reply_and_changes_nothing() -> None:
    pair = Pair()
    pair.connect()
    for key in (None, b"wrong"):
        found = pair.router.receive_datagram(_check(pair, key=key), STRANGER, pair.now)
        assert found == (pair.server, [])
    wrong_user = _check(pair, key=pair.local.key, username=f"{pair.local.ufrag}:other")
    assert pair.router.receive_datagram(wrong_user, STRANGER, pair.now) == (pair.server, [])
    unknown = _check(pair, key=b"k", username="nobody:knows")
    assert pair.router.receive_datagram(unknown, STRANGER, pair.now) is None
    assert pair.server.datagrams_to_send() == []
    assert pair.server.selected == CLIENT
    _media_flows(pair)


def test_no_reply_to_a_check_is_longer_than_the_check() -> None:
    pair = Pair()
    check = _check(pair, key=pair.local.key)
    for address in (CLIENT, ("2001:db8::7", 40000), ("::ffff:198.51.100.7", 1)):
        pair.router.receive_datagram(check, address, pair.now)
        (reply,) = [data for data, to in pair.server.datagrams_to_send() if to == address]
        assert len(reply) <= len(check)


def test_srtp_and_dtls_from_a_stranger_are_dropped_after_connecting() -> None:
    pair = Pair()
    pair.connect()
    assert pair.server.sender is not None
    replay = next(data for data in pair.sent["client"] if 20 <= data[0] <= 63)
    for data in (replay, b"\x80\x60" + os.urandom(100)):
        assert pair.server.receive_datagram(data, STRANGER, pair.now) == []
    assert pair.server.dropped["not from a trusted pair"] == 2
    _media_flows(pair)


# --- trust ----------------------------------------------------------------------------------------


def test_a_certificate_that_sdp_did_not_announce_ends_the_session_without_keys() -> None:
    wrong = Fingerprint("sha-256", ":".join(["AB"] * 32))
    pair = Pair(client_fingerprints=[wrong])
    pair.start()
    pair.run(3.0)
    (closed,) = of_type(pair.events["server"], Closed)
    assert "fingerprint" in closed.reason
    assert pair.server.sender is None
    assert pair.server.receiver is None
    assert not of_type(pair.events["server"], Connected)


def test_srtp_before_dtls_is_dropped() -> None:
    pair = Pair()
    pair.start()
    while pair.server.selected is None:
        pair.run(0.005)
    assert pair.server.receive_datagram(_header() + bytes(60), CLIENT, pair.now) == []
    assert pair.server.dropped["SRTP before DTLS"] == 1


def test_a_forged_client_hello_does_not_cost_the_peer_its_session() -> None:
    other = Pair()
    other.connect()
    pair = Pair()
    pair.start()
    while pair.server.selected is None:
        pair.run(0.005)
    forged = bytearray(next(data for data in other.sent["client"] if 20 <= data[0] <= 63))
    forged[60:] = os.urandom(len(forged) - 60)
    pair.server.receive_datagram(bytes(forged), CLIENT, pair.now)
    pair.connect()


def test_plain_rtp_is_never_an_event() -> None:
    pair = Pair()
    pair.connect()
    assert pair.server.receive_datagram(_header() + b"plain text media", CLIENT, pair.now) == []
    assert pair.server.dropped["SRTP"] == 1


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60)), max_size=8))
@settings(max_examples=40, deadline=None)
def test_no_bytes_from_the_peers_own_address_raise_or_end_the_session(
    datagrams: list[tuple[int, bytes]],
) -> None:
    pair = Pair()
    pair.start()
    for stage in (0.0, 0.012, 0.03, 0.05, 0.5):
        pair.run(stage)
        for first, tail in datagrams:
            for data in (bytes([first]) + tail, b"\x16\xfe\xfd" + tail, b"\x80\xc9\0\1" + tail):
                events = pair.server.receive_datagram(data, CLIENT, pair.now)
                assert not of_type(events, Closed)
                pair.router.receive_datagram(data, STRANGER, pair.now)
    pair.connect()
    _media_flows(pair)


# --- life and death -------------------------------------------------------------------------------


def test_a_session_that_never_connects_is_closed_after_fifteen_seconds() -> None:
    pair = Pair()
    pair.run(14.9)
    assert pair.server.closed_reason is None
    pair.run(0.2)
    (closed,) = of_type(pair.events["server"], Closed)
    assert "STUN" in closed.reason
    assert pair.server.next_timer() is None


def test_consent_ends_thirty_seconds_after_the_peer_vanished() -> None:
    pair = Pair()
    pair.connect()
    pair.run(120)
    assert pair.server.is_connected, "the client's consent checks keep it alive"
    pair.lose = lambda name, data: True
    pair.run(40)
    (closed,) = of_type(pair.events["server"], Closed)
    assert closed.reason == "the peer has gone silent"


def test_a_new_address_is_followed_once_it_is_authenticated() -> None:
    pair = Pair()
    pair.connect()
    pair.client_address = ("198.51.100.7", 51111)
    pair.run(6)
    assert pair.server.selected == pair.client_address
    assert of_type(pair.events["server"], PairSelected)[-1].address == pair.client_address
    _media_flows(pair)


def test_an_ice_restart_moves_the_session_to_new_credentials() -> None:
    pair = Pair()
    pair.connect()
    fresh, theirs = IceCredentials.generate(os.urandom), IceCredentials.generate(os.urandom)
    pair.server.restart_ice(fresh, theirs)
    pair.router.add(fresh.ufrag, pair.server)
    _media_flows(pair)
    elsewhere = ("198.51.100.77", 7)
    check = _check(pair, key=fresh.key, username=f"{fresh.ufrag}:{theirs.ufrag}")
    found = pair.router.receive_datagram(check, elsewhere, pair.now)
    assert found is not None
    assert PairSelected(elsewhere) in found[1]
    pair.router.remove_ufrag(pair.local.ufrag)
    old = _check(pair, key=pair.local.key)
    assert pair.router.receive_datagram(old, STRANGER, pair.now) is None
    with pytest.raises(RuntimeError):
        pair.client.restart_ice(fresh, theirs)


def test_close_tells_the_peer() -> None:
    pair = Pair()
    pair.connect()
    assert pair.server.close("end of stream") == [Closed("end of stream")]
    pair.run(0.1)
    assert of_type(pair.events["client"], Closed) == [Closed("closed by the peer")]
    assert pair.server.receive_datagram(b"\0", CLIENT, pair.now) == []


def test_router_forgets_a_removed_session() -> None:
    pair = Pair()
    pair.connect()
    assert len(pair.router) == 1
    pair.router.remove(pair.server)
    assert len(pair.router) == 0
    assert pair.router.receive_datagram(_header() + bytes(40), CLIENT, pair.now) is None
    check = _check(pair, key=pair.local.key)
    assert pair.router.receive_datagram(check, CLIENT, pair.now) is None


def test_sending_before_connecting_is_our_own_mistake() -> None:
    pair = Pair()
    with pytest.raises(RuntimeError):
        pair.server.send_rtp(_header(), b"")
    with pytest.raises(RuntimeError):
        pair.server.send_rtcp([])


def test_a_session_is_freed_with_the_last_reference_to_it() -> None:
    pair = Pair()
    pair.connect()
    dtls = weakref.ref(pair.server._dtls)
    gc.collect()
    gc.disable()
    try:
        del pair
        assert dtls() is None
    finally:
        gc.enable()
