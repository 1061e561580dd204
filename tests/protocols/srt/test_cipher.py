"""Payload ciphers, and AES-GCM between two ends."""

from __future__ import annotations

import os

import pytest

from gamecast.protocols.srt import CryptoMode, Reject, Settings
from gamecast.protocols.srt.cipher import TAG_SIZE, AuthenticatedCipher, CounterCipher
from gamecast.protocols.srt.handshake import ExtensionType, parse_capabilities
from tests.protocols.srt.link import Pair, Weather

PASSPHRASE = "correct horse"
HEADER = bytes(range(16))


def make(
    caller: CryptoMode = CryptoMode.AES_GCM,
    listener: CryptoMode = CryptoMode.AUTO,
    *,
    weather: Weather | None = None,
    key_length: int = 16,
) -> Pair:
    return Pair(
        Settings(
            passphrase=PASSPHRASE,
            crypto_mode=caller,
            key_length=key_length,
            latency=0.2,
            key_refresh=300,
            key_announce=100,
        ),
        Settings(crypto_mode=listener, latency=0.2),
        weather or Weather(),
        passphrase=PASSPHRASE,
    )


def test_counter_mode_keeps_the_size_and_is_its_own_inverse() -> None:
    cipher = CounterCipher(os.urandom(16), os.urandom(16))
    sealed = cipher.encrypt(7, HEADER, b"payload")
    assert len(sealed) == 7
    assert cipher.decrypt(7, b"", sealed) == b"payload"


@pytest.mark.parametrize("length", [16, 24, 32])
def test_a_changed_payload_header_or_number_is_not_decrypted(length: int) -> None:
    cipher = AuthenticatedCipher(os.urandom(length), os.urandom(16))
    sealed = cipher.encrypt(7, HEADER, b"payload")
    assert len(sealed) == 7 + TAG_SIZE
    assert cipher.decrypt(7, HEADER, sealed) == b"payload"
    assert cipher.decrypt(8, HEADER, sealed) is None
    assert cipher.decrypt(7, HEADER[::-1], sealed) is None
    assert cipher.decrypt(7, HEADER, sealed[:-1] + bytes((sealed[-1] ^ 1,))) is None
    assert cipher.decrypt(7, HEADER, b"short") is None


def test_no_nonce_comes_twice_within_a_key() -> None:
    """Before 1.5.4, libsrt used one for 65 536 packets."""
    cipher = AuthenticatedCipher(bytes(16), bytes(16))
    sealed = {cipher.encrypt(number, HEADER, bytes(16)) for number in range(1000)}
    assert len(sealed) == 1000


@pytest.mark.parametrize("length", [16, 24, 32])
def test_gcm_with_losses_and_a_key_that_changes(length: int) -> None:
    pair = make(weather=Weather(loss=0.05), key_length=length)
    pair.connect()
    assert pair.client.authenticated
    assert pair.host.authenticated
    sent: list[bytes] = []

    def work() -> None:
        sent.append(os.urandom(1316))
        pair.client.send(sent[-1], pair.caller_now)
        pair.host.send(sent[-1], pair.now)

    pair.run(3.0, 1 / 400, work)
    pair.run(0.5)
    assert [data for _, data in pair.received["server"]] == sent
    assert [data for _, data in pair.received["caller"]] == sent
    assert pair.host.statistics(pair.now).pkt_rcv_undecrypt == 0


def test_a_forged_payload_is_dropped_and_the_real_one_still_comes() -> None:
    pair = make()
    pair.connect()
    spoilt: list[bytes] = []

    def spoil(up: bool, data: bytes) -> bytes:
        if up and not data[0] & 0x80 and not spoilt:
            spoilt.append(data)
            return data[:-1] + bytes((data[-1] ^ 1,))
        return data

    pair.filter = spoil
    pair.client.send(b"payload", pair.caller_now)
    pair.run(1.0)
    assert [data for _, data in pair.received["server"]] == [b"payload"]
    assert pair.host.statistics(pair.now).pkt_rcv_undecrypt == 1


def test_a_payload_leaves_room_for_the_tag() -> None:
    pair = make()
    pair.connect()
    pair.client.send(bytes(1440), pair.caller_now)
    with pytest.raises(ValueError, match="fit"):
        pair.client.send(bytes(1441), pair.caller_now)


@pytest.mark.parametrize(
    ("caller", "listener"),
    [
        (CryptoMode.AES_GCM, CryptoMode.AES_CTR),
        (CryptoMode.AES_CTR, CryptoMode.AES_GCM),
        (CryptoMode.AUTO, CryptoMode.AES_GCM),
    ],
)
def test_modes_that_exclude_each_other_are_refused(
    caller: CryptoMode, listener: CryptoMode
) -> None:
    pair = make(caller, listener)
    pair.run(1.0)
    assert pair.closed["caller"].reject == Reject.CRYPTO


@pytest.mark.parametrize("old", ["caller", "listener"])
def test_gcm_of_a_libsrt_that_repeats_nonces_is_refused(old: str) -> None:
    pair = make()

    def age(up: bool, data: bytes) -> bytes:
        """What libsrt 1.5.3 would say of itself."""
        for kind in (ExtensionType.HSREQ, ExtensionType.HSRSP):
            head = kind.to_bytes(2, "big") + b"\x00\x03"
            at = data.find(head, 64)
            if up == (old == "caller") and at > 0 and data[0] == 0x80:
                assert parse_capabilities(data[at + 4 :]).version == 0x010504
                return data[: at + 4] + bytes((0, 1, 5, 3)) + data[at + 8 :]
        return data

    pair.filter = age
    pair.run(1.0)
    assert pair.closed["caller"].reject == Reject.CRYPTO
