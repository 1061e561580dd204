from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.media.codecs.bits import BitReader, BitWriter, unescape
from gamecast.media.errors import MediaError


def golomb(value: int) -> str:
    """ue(v) as a string of bits, straight from the definition in H.264 section 9.1."""
    code = bin(value + 1)[2:]
    return "0" * (len(code) - 1) + code


def pack(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return int("1" + bits, 2).to_bytes(len(bits) // 8 + 1, "big")[1:]


@given(
    st.lists(st.integers(0, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 2**n - 1))))
)
def test_reads_back_what_was_written(fields: list[tuple[int, int]]) -> None:
    writer = BitWriter()
    for count, value in fields:
        writer.write(value, count)
    reader = BitReader(writer.to_bytes())
    assert [reader.read(count) for count, _ in fields] == [value for _, value in fields]
    assert reader.remaining < 8


def test_writer_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        BitWriter().write(4, 2)


def test_numbers_of_table_9_2() -> None:
    reader = BitReader(pack("1" + "010" + "011" + "00100" + "00101" + "0001010"))
    assert [reader.ue() for _ in range(6)] == [0, 1, 2, 3, 4, 9]


def test_signed_numbers_of_table_9_3() -> None:
    reader = BitReader(pack("".join(golomb(code) for code in range(7))))
    assert [reader.se() for _ in range(7)] == [0, 1, -1, 2, -2, 3, -3]


@given(st.integers(0, 2**32 - 2))
def test_unsigned_golomb_over_its_whole_range(value: int) -> None:
    assert BitReader(pack(golomb(value))).ue() == value


def test_golomb_of_33_bits_is_refused() -> None:
    with pytest.raises(MediaError, match="longer than 32 bits"):
        BitReader(bytes(8)).ue()


def test_golomb_above_its_limit_is_refused() -> None:
    with pytest.raises(MediaError, match="above its limit of 30"):
        BitReader(pack(golomb(31))).ue(30)


@pytest.mark.parametrize("read", [lambda bits: bits.read(17), lambda bits: bits.skip(17)])
def test_reading_past_the_end_is_refused(read: object) -> None:
    assert callable(read)
    with pytest.raises(MediaError, match="past the end"):
        read(BitReader(b"ab"))


def test_bytes_and_alignment() -> None:
    bits = BitReader(b"\x80abc")
    assert bits.flag()
    with pytest.raises(ValueError, match="byte boundary"):
        bits.read_bytes(1)
    bits.align()
    assert (bits.position, bits.read_bytes(2), bits.remaining) == (8, b"ab", 8)
    with pytest.raises(MediaError):
        bits.read_bytes(2)


def escape(rbsp: bytes) -> bytes:
    """Emulation prevention as an encoder does it (H.264 section 7.4.1.1)."""
    escaped = bytearray()
    zeros = 0
    for byte in rbsp:
        if zeros == 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(escaped)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255])).map(bytes))
def test_unescape_undoes_emulation_prevention(rbsp: bytes) -> None:
    assert unescape(escape(rbsp)) == rbsp
