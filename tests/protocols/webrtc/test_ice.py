"""ICE rule by rule: the lite agent, the client agent, the router, ICE-TCP framing."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc import stun
from gamecast.protocols.webrtc.address import Address, ip_of
from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.events import AddressForgotten
from gamecast.protocols.webrtc.framing import FrameReader, frame, frame_segments
from gamecast.protocols.webrtc.ice import (
    CONSENT_TIMEOUT,
    MAX_PATHS,
    SILENT_AFTER,
    CheckAnswer,
    IceLiteAgent,
    local_ufrag_of,
)
from gamecast.protocols.webrtc.ice_client import MAX_CANDIDATES, IceClientAgent
from gamecast.protocols.webrtc.mux import DatagramKind, Router, classify
from gamecast.protocols.webrtc.stun import Attribute, MessageClass
from tests.protocols.webrtc.peers import Pair

LOCAL, REMOTE = IceCredentials("local", "l" * 24), IceCredentials("remote", "r" * 24)
A: Address = ("198.51.100.1", 1111)
B: Address = ("198.51.100.2", 2222)


def _request(
    *extra: tuple[int, bytes],
    key: bytes | None = LOCAL.key,
    username: str = "local:remote",
    nominate: bool = False,
    controlling: bool = True,
) -> bytes:
    role = Attribute.ICE_CONTROLLING if controlling else Attribute.ICE_CONTROLLED
    attributes = [(Attribute.USERNAME, username.encode()), (Attribute.PRIORITY, b"\0\0\0\1")]
    attributes.append((role, bytes(8)))
    if nominate:
        attributes.append((Attribute.USE_CANDIDATE, b""))
    return stun.build(MessageClass.REQUEST, os.urandom(12), [*attributes, *extra], key=key)


def _ask(agent: IceLiteAgent, data: bytes, address: Address, now: float) -> CheckAnswer:
    return agent.receive_request(data, stun.parse(data), address, now)


@pytest.fixture
def agent() -> IceLiteAgent:
    return IceLiteAgent(LOCAL, "remote")


def test_the_first_validated_address_is_used_until_one_is_nominated(agent: IceLiteAgent) -> None:
    answer = _ask(agent, _request(), A, 0.0)
    assert (answer.validated, answer.selected) == (A, A)
    answer = _ask(agent, _request(), B, 0.1)
    assert (answer.validated, answer.selected) == (B, None)
    assert _ask(agent, _request(nominate=True), B, 0.2).selected == B
    assert agent.selected == B
    assert not agent.is_trusted(A), "validated, but never nominated"


def test_the_latest_nomination_wins_and_the_one_before_is_still_heard(agent: IceLiteAgent) -> None:
    _ask(agent, _request(nominate=True), A, 0.0)
    _ask(agent, _request(nominate=True), B, 0.1)
    assert agent.selected == B
    assert agent.is_trusted(A)


def test_a_rebound_port_takes_over_when_the_old_one_is_silent(agent: IceLiteAgent) -> None:
    _ask(agent, _request(nominate=True), A, 0.0)
    assert _ask(agent, _request(), B, 1.0).selected is None
    assert _ask(agent, _request(), B, SILENT_AFTER + 0.1).selected == B


def test_a_lost_address_gives_way_to_the_best_other_one(agent: IceLiteAgent) -> None:
    _ask(agent, _request(nominate=True), A, 0.0)
    _ask(agent, _request(), B, 0.1)
    assert agent.forget(A) == B
    assert agent.selected == B
    assert agent.forget(A) is None
    assert agent.forget(B) is None
    assert agent.selected is None
    assert not agent.is_trusted(A)
    assert _ask(agent, _request(), A, 0.2).selected == A


def test_success_names_the_address_and_is_signed(agent: IceLiteAgent) -> None:
    reply = _ask(agent, _request(), A, 0.0).reply
    assert reply is not None
    message = stun.parse(reply)
    assert message.message_class is MessageClass.SUCCESS
    assert stun.integrity_matches(reply, message, LOCAL.key)
    value = message.attributes[Attribute.XOR_MAPPED_ADDRESS]
    assert stun.parse_xor_mapped_address(value, message.transaction_id) == A


@pytest.mark.parametrize(
    "data",
    [
        _request(key=None, nominate=True),
        _request(key=b"wrong", nominate=True),
        _request(username="local:other", nominate=True),
        _request(username="other:remote", nominate=True),
        _request(username="", nominate=True),
    ],
    ids=["unsigned", "wrong key", "of the other", "to the other", "of nobody"],
)
def test_what_is_not_authentic_gets_silence(agent: IceLiteAgent, data: bytes) -> None:
    _ask(agent, _request(nominate=True), A, 0.0)
    assert _ask(agent, data, B, 1.0) == CheckAnswer()
    assert agent.selected == A
    assert agent.validated == [A]
    assert agent.consent_expires_at() == CONSENT_TIMEOUT


def test_an_unknown_required_attribute_is_answered_420(agent: IceLiteAgent) -> None:
    answer = _ask(agent, _request((0x7FFF, b"abcd")), A, 0.0)
    assert answer.reply is not None
    message = stun.parse(answer.reply)
    assert message.error_code == 420
    assert message.attributes[Attribute.UNKNOWN_ATTRIBUTES] == b"\x7f\xff"
    assert answer.validated is None


def test_a_peer_that_wants_to_be_controlled_is_answered_487(agent: IceLiteAgent) -> None:
    answer = _ask(agent, _request(controlling=False), A, 0.0)
    assert answer.reply is not None
    assert stun.parse(answer.reply).error_code == 487
    assert agent.selected is None


def test_validated_addresses_are_bounded_and_the_selected_one_stays(agent: IceLiteAgent) -> None:
    _ask(agent, _request(nominate=True), A, 0.0)
    forgotten = []
    for port in range(100):
        answer = _ask(agent, _request(), ("198.51.100.9", 1000 + port), 1.0 + port / 100)
        forgotten += [answer.forgotten] if answer.forgotten else []
    assert len(agent.validated) == MAX_PATHS
    assert agent.selected == A
    assert len(forgotten) == 100 - MAX_PATHS + 1
    assert A not in forgotten


def test_ice_restart_serves_the_old_pair_until_the_new_one_is_there(agent: IceLiteAgent) -> None:
    _ask(agent, _request(nominate=True), A, 0.0)
    new, new_remote = IceCredentials("fresh", "f" * 24), "afresh"
    agent.restart(new, new_remote)
    assert agent.selected == A
    assert _ask(agent, _request(), A, 1.0).reply is not None
    data = _request(username="fresh:afresh", key=new.key, nominate=True)
    assert _ask(agent, data, B, 2.0).selected == B
    assert _ask(agent, _request(), A, 3.0).reply is None, "the old credentials are over"


@given(st.binary(max_size=120))
@settings(max_examples=80)
def test_local_ufrag_of_any_bytes(data: bytes) -> None:
    assert local_ufrag_of(data) is None


def test_local_ufrag_of_requests_only() -> None:
    assert local_ufrag_of(_request(key=None)) == "local"
    assert local_ufrag_of(_request(username="nocolon")) is None
    response = stun.build(MessageClass.SUCCESS, bytes(12), [(Attribute.USERNAME, b"a:b")])
    assert local_ufrag_of(response) is None


# --- the client -----------------------------------------------------------------------------------


def _candidate(host: str, port: int = 8189, priority: int = 1, transport: str = "udp") -> Candidate:
    return Candidate(foundation="1", host=host, port=port, priority=priority, transport=transport)


def _client(allowed: bool = True) -> IceClientAgent:
    return IceClientAgent(REMOTE, LOCAL, random=os.urandom, allowed=lambda address: allowed)


def _drain(client: IceClientAgent, until: float) -> list[Address]:
    sent: list[Address] = []
    while (at := client.next_timer()) is not None and at <= until:
        sent += [address for _, address in client.checks_to_send(at)]
    return sent


def test_candidates_are_checked_by_priority_and_paced() -> None:
    client = _client()
    client.start([_candidate("192.0.2.1"), _candidate("192.0.2.2", priority=9)], 0.0)
    assert [address for _, address in client.checks_to_send(0.0)] == [("192.0.2.2", 8189)]
    assert client.next_timer() == 0.05
    assert [address for _, address in client.checks_to_send(0.05)] == [("192.0.2.1", 8189)]


def test_names_tcp_and_forbidden_addresses_are_not_checked() -> None:
    client = _client()
    client.start([_candidate("host.local"), _candidate("192.0.2.1", transport="tcp")], 0.0)
    assert _drain(client, 20.0) == []
    assert client.failed
    forbidden = _client(allowed=False)
    forbidden.start([_candidate("169.254.169.254")], 0.0)
    assert _drain(forbidden, 20.0) == []


def test_a_tcp_connection_joins_the_checks_when_it_is_open() -> None:
    client = _client()
    client.start([_candidate("192.0.2.1")], 0.0)
    _drain(client, 3.0)
    connection = ("192.0.2.1", 8189, "tcp")
    client.add(connection, 3.0)
    assert client.next_timer() == 3.0
    (request,) = (data for data, to in client.checks_to_send(3.0) if to == connection)
    answer = stun.build(MessageClass.SUCCESS, request[8:20], [], key=LOCAL.key)
    client.receive_response(answer, stun.parse(answer), connection, 3.1)
    (nomination,) = (data for data, to in client.checks_to_send(3.1) if to == connection)
    answer = stun.build(MessageClass.SUCCESS, nomination[8:20], [], key=LOCAL.key)
    assert client.receive_response(answer, stun.parse(answer), connection, 3.2) == connection
    forbidden = _client(allowed=False)
    forbidden.start([], 0.0)
    forbidden.add(connection, 0.0)
    assert _drain(forbidden, 20.0) == []


def test_hundreds_of_candidates_make_few_checks() -> None:
    client = _client()
    client.start([_candidate("192.0.2.1", port=p) for p in range(1000, 1500)], 0.0)
    assert len(set(_drain(client, 1.0))) == MAX_CANDIDATES


def test_a_forged_answer_selects_nothing() -> None:
    client = _client()
    client.start([_candidate("192.0.2.1")], 0.0)
    ((request, address),) = client.checks_to_send(0.0)
    transaction = request[8:20]
    for key, source in ((b"wrong", address), (None, address), (LOCAL.key, B)):
        forged = stun.build(MessageClass.SUCCESS, transaction, [], key=key)
        assert client.receive_response(forged, stun.parse(forged), source, 0.1) is None
    genuine = stun.build(MessageClass.SUCCESS, transaction, [], key=LOCAL.key)
    assert client.receive_response(genuine, stun.parse(genuine), address, 0.2) is None
    ((nomination, _),) = client.checks_to_send(0.2)
    assert stun.parse(nomination).use_candidate
    genuine = stun.build(MessageClass.SUCCESS, nomination[8:20], [], key=LOCAL.key)
    assert client.receive_response(genuine, stun.parse(genuine), address, 0.3) == address
    assert client.selected == address


def test_an_error_answer_selects_nothing() -> None:
    client = _client()
    client.start([_candidate("192.0.2.1")], 0.0)
    ((request, address),) = client.checks_to_send(0.0)
    refusal = stun.build(
        MessageClass.ERROR,
        request[8:20],
        [(Attribute.ERROR_CODE, stun.build_error_code(487, ""))],
        key=LOCAL.key,
    )
    assert client.receive_response(refusal, stun.parse(refusal), address, 0.1) is None
    assert client.selected is None


def test_checks_lost_on_the_way_are_repeated_until_they_arrive() -> None:
    lost = 0

    def lose(name: str, data: bytes) -> bool:
        nonlocal lost
        lost += classify(data) is DatagramKind.STUN
        return classify(data) is DatagramKind.STUN and lost <= 6

    pair = Pair(lose=lose)
    pair.connect(seconds=6.0)


def test_a_client_that_nobody_answers_gives_up() -> None:
    pair = Pair(lose=lambda name, data: True)
    pair.start()
    pair.run(20.0)
    assert pair.client.closed_reason is not None


# --- demultiplexing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", DatagramKind.UNKNOWN),
        (b"\x00", DatagramKind.UNKNOWN),
        (b"\x00\x01", DatagramKind.STUN),
        (b"\x14\xfe", DatagramKind.DTLS),
        (b"\x3f\xfe", DatagramKind.DTLS),
        (b"\x40\x00", DatagramKind.UNKNOWN),  # TURN channel
        (b"\x11\x00", DatagramKind.UNKNOWN),  # ZRTP
        (b"\x80\x60", DatagramKind.RTP),
        (b"\x80\xe0", DatagramKind.RTP),  # marker, payload type 96
        (b"\x80\xc8", DatagramKind.RTCP),
        (b"\x81\xce", DatagramKind.RTCP),
        (b"\xc0\x00", DatagramKind.UNKNOWN),
    ],
)
def test_first_bytes_tell_the_kind(data: bytes, kind: DatagramKind) -> None:
    assert classify(data) is kind


def test_a_ufrag_belongs_to_one_session() -> None:
    first, second = Pair(), Pair()
    router = first.router
    with pytest.raises(ValueError):
        router.add(first.local.ufrag, second.server)
    router.add("another", second.server)
    assert len(router) == 2
    router.remove_ufrag("another")
    router.remove_ufrag("never there")
    router.remove(second.server)
    assert len(router) == 1


def test_an_address_follows_the_session_that_proved_itself_last() -> None:
    old, new = Pair(), Pair()
    old.connect()
    old.router.add(new.local.ufrag, new.server)
    new.router = old.router
    new.connect()
    data = bytes.fromhex("80600001") + bytes(40)
    found = new.router.receive_datagram(data, new.client_address, new.now)
    assert found is not None
    assert found[0] is new.server
    new.router.remove(old.server)
    assert new.router.receive_datagram(data, new.client_address, new.now) is not None


def test_a_lost_address_leads_nowhere_and_its_session_is_told() -> None:
    pair = Pair()
    pair.connect()
    assert pair.server.is_connected
    assert pair.router.remove_address(pair.client_address) is pair.server
    assert pair.server.forget_address(pair.client_address) == [
        AddressForgotten(pair.client_address)
    ]
    assert not pair.server.is_connected
    assert pair.router.remove_address(pair.client_address) is None
    assert pair.router.receive_datagram(b"\x80" * 40, pair.client_address, pair.now) is None


def test_the_router_is_generic_over_what_it_serves() -> None:
    assert len(Router()) == 0


def test_mapped_addresses_are_read_as_ipv4() -> None:
    assert str(ip_of(("::ffff:192.0.2.1", 5))) == "192.0.2.1"
    assert str(ip_of(("fe80::1%eth0", 5, 0, 2))) == "fe80::1"


# --- RFC 4571 -------------------------------------------------------------------------------------


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=10), st.integers(1, 50))
@settings(max_examples=60)
def test_frames_survive_any_cutting(datagrams: list[bytes], step: int) -> None:
    stream = b"".join(frame(datagram) for datagram in datagrams)
    reader = FrameReader()
    got = []
    for offset in range(0, len(stream), step):
        got += reader.receive_data(stream[offset : offset + step])
    assert got == datagrams


def test_empty_frames_are_skipped_and_long_ones_refused() -> None:
    reader = FrameReader(max_frame=100)
    assert reader.receive_data(b"\0\0" + frame(b"x") + b"\0\0\0") == [b"x"]
    with pytest.raises(WebRtcError):
        FrameReader(max_frame=100).receive_data(b"\0\x65")


@given(st.binary(max_size=500), st.integers(1, 200))
@settings(max_examples=60)
def test_segments_are_framed_one_by_one(data: bytes, size: int) -> None:
    expected = [data[offset : offset + size] for offset in range(0, len(data), size)]
    assert FrameReader().receive_data(frame_segments(memoryview(data), size)) == expected
