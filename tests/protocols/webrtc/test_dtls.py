"""The DTLS handshake by itself: flights, borders, limits and who may be at the other end."""

from __future__ import annotations

import datetime
import os
import threading
import time
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc import dtls
from gamecast.protocols.webrtc.certificate import (
    Certificate,
    Fingerprint,
    certificate_matches,
    fingerprint_of,
    parse_fingerprint,
    usable_fingerprints,
)
from gamecast.protocols.webrtc.dtls import (
    MAX_HANDSHAKE_BYTES,
    MTU,
    DtlsConnection,
    DtlsState,
    make_context,
)
from gamecast.protocols.webrtc.dtls_records import pack_datagrams, split_records, without_forgeable
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.srtp_keys import SrtpProfile
from tests.protocols.webrtc.peers import certificate

GCM = (SrtpProfile.AEAD_AES_128_GCM,)
CM = (SrtpProfile.AES128_CM_SHA1_80,)


def _connection(
    name: str, other: str, *, is_client: bool, profiles: tuple[SrtpProfile, ...] = GCM
) -> DtlsConnection:
    return DtlsConnection(
        make_context(certificate(name), profiles),
        is_client=is_client,
        fingerprints=[certificate(other).fingerprint],
    )


def _pump(a: DtlsConnection, b: DtlsConnection, now: float = 0.0) -> None:
    """Carry datagrams both ways until nobody has any."""
    while True:
        moved = [(b, data) for data in a.datagrams_to_send()]
        moved += [(a, data) for data in b.datagrams_to_send()]
        if not moved:
            return
        for to, data in moved:
            to.receive_datagram(data, now)


def _pair() -> tuple[DtlsConnection, DtlsConnection]:
    client = _connection("client", "server", is_client=True)
    server = _connection("server", "client", is_client=False)
    client.start(0.0)
    return client, server


def test_both_ends_get_the_same_keys() -> None:
    client, server = _pair()
    _pump(client, server)
    assert client.state is server.state is DtlsState.ESTABLISHED
    assert client.keys is not None
    assert server.keys is not None
    assert client.keys.local == server.keys.remote
    assert client.keys.remote == server.keys.local
    assert client.keys.local != client.keys.remote
    assert client.next_timer() is None


def test_datagrams_keep_to_the_mtu() -> None:
    client, server = _pair()
    hello = client.datagrams_to_send()
    for data in hello:
        server.receive_datagram(data, 0.0)
    flight = server.datagrams_to_send()
    assert all(len(data) <= MTU for data in hello + flight)
    assert len(flight) == 1, "an ECDSA certificate keeps a flight in one datagram"


def test_duplicated_and_reordered_datagrams_do_no_harm() -> None:
    client, server = _pair()
    for _ in range(12):
        to_server, to_client = client.datagrams_to_send(), server.datagrams_to_send()
        for data in reversed(to_server + to_server):
            server.receive_datagram(data, 0.0)
        for data in reversed(to_client + to_client):
            client.receive_datagram(data, 0.0)
    assert client.state is server.state is DtlsState.ESTABLISHED


def test_records_may_come_one_to_a_datagram() -> None:
    client, server = _pair()
    for _ in range(12):
        for sender, receiver in ((client, server), (server, client)):
            for data in sender.datagrams_to_send():
                for record in split_records(data):
                    receiver.receive_datagram(record, 0.0)
    assert client.state is server.state is DtlsState.ESTABLISHED


def _rsa_certificate(bits: int) -> Certificate:
    """An RSA certificate as old peers have them; larger than one datagram with 4096 bits."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x" * 64)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2040, 1, 1))
        .sign(key, hashes.SHA256())
    )
    der = signed.public_bytes(serialization.Encoding.DER)
    return Certificate(signed, cast(Any, key), fingerprint_of(der, "sha-256"))


@pytest.mark.parametrize("lost", [0, 2, 3])
def test_a_large_certificate_comes_in_fragments(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtls, "MTU", 400)
    theirs, ours = _rsa_certificate(4096), certificate("server")
    client = DtlsConnection(
        make_context(theirs, GCM), is_client=True, fingerprints=[ours.fingerprint]
    )
    server = DtlsConnection(
        make_context(ours, GCM), is_client=False, fingerprints=[theirs.fingerprint]
    )
    client.start(0.0)
    now, sent = 0.0, 0
    while client.state is not DtlsState.ESTABLISHED:
        assert now < 5.0
        for data in client.datagrams_to_send():
            sent += 1
            assert len(data) <= 400
            if sent != lost:
                server.receive_datagram(data, now)
        for data in server.datagrams_to_send():
            client.receive_datagram(data, now)
        now += 0.05
        client.handle_timer(now)
        server.handle_timer(now)
    assert server.state is DtlsState.ESTABLISHED
    assert sent > 5


def test_a_lost_last_flight_comes_again_by_openssls_clock() -> None:
    client, server = _pair()
    for sender, receiver in ((client, server), (server, client), (client, server)):
        for data in sender.datagrams_to_send():
            receiver.receive_datagram(data, 0.0)
    assert server.state is DtlsState.ESTABLISHED
    assert server.datagrams_to_send(), "the last flight, which gets lost here"
    started = time.monotonic()
    while client.state is not DtlsState.ESTABLISHED:
        now = time.monotonic() - started
        assert now < 10
        client.handle_timer(now)
        _pump(client, server, now)
        at = client.next_timer()
        if at is not None:
            threading.Event().wait(max(0.0, at - now))


def test_repeats_are_bounded() -> None:
    client, _ = _pair()
    now, sent = 0.0, len(client.datagrams_to_send())
    for _ in range(200):
        now += 0.1
        client.handle_timer(now)
        sent += len(client.datagrams_to_send())
    assert 5 <= sent <= 8


def test_another_certificate_fails_before_any_key() -> None:
    client = _connection("stranger", "server", is_client=True)
    server = _connection("server", "client", is_client=False)
    client.start(0.0)
    _pump(client, server)
    assert server.state is DtlsState.FAILED
    assert server.outcome.untrusted
    assert server.keys is None
    assert client.keys is None


@pytest.mark.parametrize("offered", [tuple(SrtpProfile), tuple(SrtpProfile)[::-1]])
def test_the_server_chooses_the_cheapest_profile_whatever_the_peer_prefers(
    offered: tuple[SrtpProfile, ...],
) -> None:
    client = _connection("client", "server", is_client=True, profiles=offered)
    server = _connection("server", "client", is_client=False, profiles=tuple(SrtpProfile))
    client.start(0.0)
    _pump(client, server)
    assert server.keys is not None
    assert server.keys.profile is SrtpProfile.AEAD_AES_128_GCM


def test_no_common_srtp_profile_fails() -> None:
    client = _connection("client", "server", is_client=True, profiles=CM)
    server = _connection("server", "client", is_client=False, profiles=GCM)
    client.start(0.0)
    _pump(client, server)
    assert server.state is DtlsState.FAILED
    assert "profile" in server.outcome.reason
    assert not server.outcome.untrusted


def test_an_endless_handshake_is_cut_off() -> None:
    _, server = _pair()
    fragment = bytes.fromhex("16fefd0000000000000001") + (1012).to_bytes(2, "big")
    body = b"\x0b\x00\xff\xff\x00\x00\x00\x00\x00\x03\xe8".ljust(12, b"\0") + bytes(1000)
    for _ in range(MAX_HANDSHAKE_BYTES // 1000 + 2):
        server.receive_datagram(fragment + body, 0.0)
    assert server.state is DtlsState.FAILED


@given(st.lists(st.binary(max_size=80), max_size=6))
@settings(max_examples=50, deadline=None)
def test_garbage_never_raises(tails: list[bytes]) -> None:
    _, server = _pair()
    for tail in tails:
        head = bytes.fromhex("16fefd0000000000000001") + len(tail).to_bytes(2, "big")
        server.receive_datagram(head + tail, 0.0)
        server.receive_datagram(tail, 0.0)
    server.datagrams_to_send()
    assert server.state in (DtlsState.HANDSHAKING, DtlsState.FAILED)
    assert server.keys is None


def test_close_notify_reaches_the_peer() -> None:
    client, server = _pair()
    _pump(client, server)
    server.close()
    _pump(client, server)
    assert client.state is DtlsState.CLOSED
    client.receive_datagram(b"\x16\xfe\xfd", 0.0)


def test_plaintext_application_data_after_the_handshake_is_dropped() -> None:
    record = bytes.fromhex("17fefd0000000000000009") + b"\x00\x05hello"
    alert = bytes.fromhex("15fefd000000000000000a0002") + b"\x02\x28"
    kept = bytes.fromhex("16fefd000000000000000a0001") + b"\0"
    assert without_forgeable(record + alert + kept, established=True) == kept
    assert without_forgeable(record + alert + kept[:-1], established=False) == b""


@given(st.lists(st.binary(max_size=400), max_size=12))
@settings(max_examples=50)
def test_packing_keeps_every_record_whole(bodies: list[bytes]) -> None:
    records = [b"\x16\xfe\xfd" + bytes(8) + len(b).to_bytes(2, "big") + b for b in bodies]
    datagrams = pack_datagrams(records, 500)
    assert all(0 < len(data) <= 500 for data in datagrams)
    assert [record for data in datagrams for record in split_records(data)] == records


# --- fingerprints ---------------------------------------------------------------------------------


def test_every_listed_algorithm_has_to_match() -> None:
    der = os.urandom(300)
    right, wrong = fingerprint_of(der, "sha-256"), Fingerprint("sha-256", "AA:BB")
    strong_wrong = Fingerprint("sha-512", "AA:BB")
    assert certificate_matches(der, [right])
    assert certificate_matches(der, [wrong, right]), "two certificates, one algorithm"
    assert certificate_matches(der, [right, Fingerprint("sha-1", "AA")])
    assert not certificate_matches(der, [wrong])
    assert not certificate_matches(der, [right, strong_wrong])
    assert not certificate_matches(der, [])
    assert not certificate_matches(der, [Fingerprint("sha-1", "AA:BB")])


def test_weak_fingerprints_alone_are_refused() -> None:
    weak = parse_fingerprint("sha-1 " + ":".join(["0a"] * 20))
    with pytest.raises(WebRtcError):
        usable_fingerprints([weak])
    strong = parse_fingerprint("SHA-256 " + ":".join(["0a"] * 32))
    assert usable_fingerprints([weak, strong]) == [strong]
    assert str(strong) == "sha-256 " + ":".join(["0A"] * 32)


@given(st.text(max_size=120))
@settings(max_examples=60)
def test_fingerprint_text_only_raises_the_documented_error(text: str) -> None:
    for candidate in (text, f"sha-256 {text}"):
        try:
            parse_fingerprint(candidate)
        except WebRtcError:
            continue
