"""Key material against published vectors and against malice."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given
from hypothesis import strategies as st

from gamecast.protocols.srt import SrtError
from gamecast.protocols.srt.cipher import CounterCipher
from gamecast.protocols.srt.keys import (
    BadSecret,
    KeyMaterial,
    build_km,
    build_km_state,
    check_passphrase,
    derive_kek,
    parse_km,
    parse_km_state,
)
from gamecast.protocols.srt.security import Security


def test_the_kek_is_pbkdf2_with_the_last_half_of_the_salt() -> None:
    salt = bytes(range(16))
    assert derive_kek("thelocalmanual", salt, 16) == derive_kek(
        "thelocalmanual", b"\xff" * 8 + salt[8:], 16
    )
    assert len(derive_kek("0123456789", salt, 32)) == 32


def test_the_counter_is_the_salt_with_the_packet_number_in_bytes_10_to_13() -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    salt = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000")
    sequence = 0x01020304
    block = bytearray(salt[:14] + b"\x00\x00")
    for index, byte in enumerate(sequence.to_bytes(4, "big")):
        block[10 + index] ^= byte
    stream = Cipher(AES(key), ECB()).encryptor().update(bytes(block))
    assert CounterCipher(key, salt).encrypt(sequence, b"", bytes(16)) == stream


@pytest.mark.parametrize("length", [16, 24, 32])
@pytest.mark.parametrize("both", [False, True])
def test_keys_come_back_with_the_right_passphrase_alone(length: int, both: bool) -> None:
    odd = os.urandom(length) if both else None
    sent = KeyMaterial(os.urandom(16), os.urandom(length), odd)
    message = build_km(sent, derive_kek("0123456789", sent.salt, length))
    assert len(message) == 16 + 16 + 8 + length * (1 + both)
    parsed = parse_km(message)
    assert parsed.unwrap(derive_kek("0123456789", sent.salt, length)) == sent
    with pytest.raises(BadSecret):
        parsed.unwrap(derive_kek("0123456788", sent.salt, length))
    assert sent.salt.hex() not in repr(sent) + repr(parsed)


def test_passphrases_have_10_to_79_bytes() -> None:
    for good in ("a" * 10, "a" * 79):
        check_passphrase(good)
    for bad in ("a" * 9, "a" * 80, "", "ä" * 40):
        with pytest.raises(ValueError):
            check_passphrase(bad)


@pytest.mark.parametrize("size", [0, 4, 28, 55, 57, 104, 1456])
def test_messages_of_other_lengths_are_refused(size: int) -> None:
    sent = KeyMaterial(os.urandom(16), os.urandom(16))
    message = build_km(sent, os.urandom(16))
    with pytest.raises(SrtError):
        parse_km(message[:size].ljust(size, b"\x00"))


@given(st.binary(max_size=200), st.integers(0, 40))
def test_any_message_is_read_or_refused(noise: bytes, keep: int) -> None:
    message = build_km(KeyMaterial(bytes(16), bytes(16)), bytes(16))
    for candidate in (noise, message[:keep] + noise):
        with suppress(SrtError):
            parse_km(candidate).unwrap(bytes(16))


def test_a_state_is_read_in_either_byte_order() -> None:
    assert parse_km_state(build_km_state(4)) == parse_km_state(b"\x00\x00\x00\x04") == 4


def test_a_forged_refresh_changes_nothing() -> None:
    ours = Security("0123456789", random_bytes=os.urandom)
    theirs = Security("0123456789", random_bytes=os.urandom)
    theirs.open(ours.begin(16))
    forged = build_km(KeyMaterial(os.urandom(16), os.urandom(16)), os.urandom(16))
    assert theirs.receive_refresh(forged, 10.0) is None
    assert theirs.decrypt(1, 5, b"", ours.encrypt(5, b"", b"payload")) == b"payload"


def test_the_key_changes_only_when_the_peer_has_it() -> None:
    ours = Security("0123456789", random_bytes=os.urandom, refresh=32, announce=8)
    theirs = Security("0123456789", random_bytes=os.urandom)
    theirs.open(ours.begin(16))
    for number in range(100):
        ours.next_key()
        ours.encrypt(number, b"", b"x")
    assert ours.refreshes == 0
    message = ours.message_to_send(1.0, 0.1)
    assert message is not None
    answer = theirs.receive_refresh(message, 1.0)
    assert answer is not None
    ours.confirmed(answer)
    ours.next_key()
    data = ours.encrypt(100, b"", b"payload")
    assert (ours.refreshes, ours.sending) == (1, 2)
    assert theirs.decrypt(2, 100, b"", data) == b"payload"
    assert theirs.decrypt(0, 100, b"", data) is None
