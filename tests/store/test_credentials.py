from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.store import credentials
from gamecast.store.credentials import (
    digest,
    hash_password,
    hint,
    looks_like_key,
    make_key,
    make_password,
    make_token,
    verify_password,
)
from tests.support.clock import SeededBytes


def test_a_key_is_32_letters_and_digits_behind_a_prefix() -> None:
    assert re.fullmatch(r"gc_[a-z2-7]{32}", make_key())
    assert re.fullmatch(r"gct_[a-z2-7]{32}", make_token())
    assert make_key() != make_key()


def test_a_key_carries_160_bits_of_the_random_source() -> None:
    asked: list[int] = []

    def random(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    assert make_key(random) == "gc_" + "a" * 32
    assert asked == [20]


def test_a_password_is_four_groups_of_four() -> None:
    assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", make_password(SeededBytes()))


def test_looks_like_key_knows_keys_from_names_and_tokens() -> None:
    assert looks_like_key(make_key())
    assert not looks_like_key(make_token())
    assert not looks_like_key("main")
    assert not looks_like_key("gc_main")


def test_a_hint_shows_four_random_characters() -> None:
    key, token = make_key(), make_token()
    assert hint(key) == key[:7]
    assert hint(token) == token[:8]


@given(st.text(max_size=2_000))
def test_any_text_has_a_digest(text: str) -> None:
    assert len(digest(text)) == 32


def test_a_digest_is_of_the_whole_secret_up_to_the_bound() -> None:
    key = make_key()
    assert digest(key) != digest(key + "x")
    assert digest("a" * 256) != digest("a" * 257)
    assert digest("\ud800") == digest("?")  # not a crash; no key of ours has either


def test_a_password_verifies_against_its_own_hash_only() -> None:
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert "correct horse" not in stored
    assert verify_password(stored, "correct horse")
    assert not verify_password(stored, "correct horsf")
    assert not verify_password("not a hash", "correct horse")


def test_a_long_password_is_not_cut_to_a_right_one() -> None:
    stored = hash_password("a" * 257)
    assert not verify_password(stored, "a" * 257)
    assert not verify_password(hash_password("a" * 256), "a" * 300)


def test_an_unknown_user_costs_one_argon2_too(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hash_password("x")
    verify_password(None, "warm up the hash of nobody")
    verified: list[str] = []
    hasher = credentials._hasher()

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored.rpartition("$")[0].rpartition("$")[0])
            return hasher.verify(stored, password)

    monkeypatch.setattr(credentials, "_hasher", Counting)
    assert not verify_password(stored, "y")
    assert not verify_password(None, "y")
    assert len(verified) == 2
    assert verified[0] == verified[1]  # the same cost parameters
