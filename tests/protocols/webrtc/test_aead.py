"""Both makers of AES-GCM give the same bytes, and those of RFC 7714's nonce."""

from __future__ import annotations

from types import BuiltinMethodType

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gamecast.protocols.webrtc.aead import make_openssl_seal, make_seal

KEYS = st.one_of(st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))


@given(
    KEYS,
    st.binary(min_size=12, max_size=12),
    st.integers(0, (1 << 48) - 1),
    st.binary(max_size=1500),
    st.binary(min_size=12, max_size=60),
)
def test_whoever_seals_the_bytes_are_the_same(
    key: bytes, iv: bytes, index: int, payload: bytes, header: bytes
) -> None:
    sealed = make_seal(key, iv)(index, payload, header)
    assert sealed == make_openssl_seal(key, iv)(index, payload, header)
    nonce = (int.from_bytes(iv, "big") ^ index).to_bytes(12, "big")
    assert AESGCM(key).decrypt(nonce, sealed, header) == payload


def test_where_qh3_is_it_seals() -> None:
    pytest.importorskip("qh3")
    assert isinstance(make_seal(bytes(16), bytes(12)), BuiltinMethodType)
    assert not isinstance(make_openssl_seal(bytes(16), bytes(12)), BuiltinMethodType)
