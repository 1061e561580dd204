from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.protocols.rtmp import RtmpProtocolError, digest
from gamecast.protocols.rtmp.handshake import ClientHandshake, ServerHandshake
from tests.protocols.rtmp.link_pair import RECORDINGS
from tests.support.clock import SeededBytes

SIMPLE_C1 = bytes(8) + SeededBytes(7)(1528)


def signed_c1(scheme: int, seed: int = 3) -> bytes:
    c1 = bytes(4) + bytes([9, 0, 124, 2]) + SeededBytes(seed)(1528)
    return digest.sign_packet(c1, digest.CLIENT_KEY, scheme)


def test_a_simple_c1_is_echoed() -> None:
    server = ServerHandshake(SeededBytes())
    answer = server.receive_data(b"\x03" + SIMPLE_C1)
    assert len(answer) == 3073
    assert answer[0] == 3
    assert answer[5:9] == bytes(4)
    assert answer[1537:] == SIMPLE_C1
    assert not server.complete
    assert server.receive_data(answer[1:1537] + b"rest") == b""
    assert server.complete
    assert server.rest == b"rest"


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize("seed", range(5))
def test_a_signed_c1_is_answered_with_digests_of_its_scheme(scheme: int, seed: int) -> None:
    c1 = signed_c1(scheme, seed)
    answer = ServerHandshake(SeededBytes(seed)).receive_data(b"\x03" + c1)
    s1, s2 = answer[1:1537], answer[1537:]
    assert digest.find_digest(s1, digest.SERVER_KEY) is not None
    assert digest.find_digest(s1, digest.SERVER_KEY)[0] == scheme  # type: ignore[index]
    at = digest.digest_position(c1, scheme)
    assert digest.is_answer(s2, c1[at : at + 32], digest.SERVER_KEY)
    assert not digest.is_answer(s2, bytes(32), digest.SERVER_KEY)


def test_a_wrong_digest_falls_back_to_the_simple_handshake() -> None:
    c1 = bytearray(signed_c1(1))
    c1[digest.digest_position(bytes(c1), 1)] ^= 1
    answer = ServerHandshake(SeededBytes()).receive_data(b"\x03" + c1)
    assert answer[1537:] == bytes(c1)
    assert answer[5:9] == bytes(4)


def test_any_c2_is_accepted() -> None:
    server = ServerHandshake(SeededBytes())
    server.receive_data(b"\x03" + bytes(1536) + b"\xff" * 1536)
    assert server.complete
    assert server.rest == b""


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "HTTP"),
        (b"POST /x", "HTTP"),
        (b"\x16\x03\x01", "TLS"),
        (b"\x06", "RTMPE"),
        (b"\x00", "version 0"),
        (b"P", "HTTP"),
        (b"\xff", "version 255"),
    ],
)
def test_other_protocols_are_refused_at_their_first_byte(first: bytes, reason: str) -> None:
    with pytest.raises(RtmpProtocolError, match=reason):
        ServerHandshake(SeededBytes()).receive_data(first)
    with pytest.raises(RtmpProtocolError, match=reason):
        ClientHandshake(SeededBytes()).receive_data(first)


@pytest.mark.parametrize("name", ["ffmpeg5-play", "ffmpeg9-publish-hevc", "rtmpdump-play"])
def test_what_real_clients_begin_with(name: str) -> None:
    """ffmpeg signs its C1, rtmpdump does not."""
    data = (RECORDINGS / f"{name}.bin").read_bytes()
    answer = ServerHandshake(SeededBytes()).receive_data(data[:1537])
    found = digest.find_digest(answer[1:1537], digest.SERVER_KEY)
    assert (found is not None) == name.startswith("ffmpeg")


def test_nginx_answers_with_a_digest_that_we_find() -> None:
    data = (RECORDINGS / "nginx-publish-answers.bin").read_bytes()
    client = ClientHandshake(SeededBytes())
    client.start()
    found = digest.find_digest(data[1:1537], digest.SERVER_KEY)
    assert found is not None
    c2 = client.receive_data(data[:1537])
    assert digest.is_answer(c2, found[1], digest.CLIENT_KEY)
    client.receive_data(data[1537:])
    assert client.complete
    assert client.rest == data[3073:]


def test_a_simple_server_gets_its_s1_back() -> None:
    client = ClientHandshake(SeededBytes())
    c0c1 = client.start()
    assert digest.find_digest(c0c1[1:], digest.CLIENT_KEY) is not None
    s1 = bytes(8) + SeededBytes(9)(1528)
    assert client.receive_data(b"\x03" + s1) == s1
    assert not client.complete
    client.receive_data(bytes(1536) + b"x")
    assert client.complete
    assert client.rest == b"x"


@given(cuts=st.lists(st.integers(1, 3000), max_size=6), seed=st.integers(0, 50))
def test_both_ends_in_any_split(cuts: list[int], seed: int) -> None:
    server, client = ServerHandshake(SeededBytes(seed)), ClientHandshake(SeededBytes(seed + 1))
    to_server, to_client = client.start(), b""
    while not (server.complete and client.complete):
        at = cuts.pop() if cuts else 1 << 20
        to_client += server.receive_data(to_server[:at])
        to_server = to_server[at:]
        to_server += client.receive_data(to_client[:at])
        to_client = to_client[at:]
    assert server.rest == client.rest == b""
