"""The fuzz targets for a moment: every seed, and each of them damaged in a few hundred ways."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from fuzz.mutation import mutated
from fuzz.seeds import SEEDS, seeds_of
from fuzz.targets import TARGETS, Target

INPUTS = 300
SECONDS_EACH = 1.0
SLOWEST = 0.5
"""Process seconds for 16 KiB of anything, on a machine ten times slower than ours."""

MOST_MEMORY = 64
"""Bytes that a parser may hold at once for each that it was given: small objects are that large."""
ROOM, ROOM_OF_A_CONNECTION = 32 * 1024, 128 * 1024
"""And so many that it may hold for nothing: tables, states, buffers of fixed size."""
CONNECTIONS = {"http_heads", "bench_keep_alive", "bench_flv_answer", "bench_rtmp_answer"}


@pytest.fixture
def traced() -> Iterator[None]:
    """Python's memory is counted."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def peak(target: Target, data: bytes) -> int:
    """Bytes that a target held at once, beyond what was there before it."""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    target(data)
    return tracemalloc.get_traced_memory()[1] - before


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("name", TARGETS)
def test_memory_follows_the_input(name: str) -> None:
    target, seeds, dice = TARGETS[name], seeds_of(name), random.Random(name)
    room = ROOM_OF_A_CONNECTION if name in CONNECTIONS else ROOM
    target(seeds[-1])  # what is made once is not the input's
    inputs = seeds + [mutated(dice.choice(seeds), dice) for _ in range(INPUTS // 3)]
    for data in inputs:
        assert peak(target, data) <= MOST_MEMORY * len(data) + room, data[:1000].hex()


@pytest.mark.usefixtures("traced")
def test_a_parser_that_believes_a_length_is_noticed() -> None:
    """Its buffer is given back at once, so that only the peak tells of it."""

    def parse(data: bytes) -> None:
        len(bytearray(int.from_bytes(data[:3], "big")))

    assert peak(parse, b"\x10\0\0") > MOST_MEMORY * 3 + ROOM_OF_A_CONNECTION


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_the_documented_error_escapes(name: str) -> None:
    target, seeds, dice = TARGETS[name], seeds_of(name), random.Random(name)
    end = time.process_time() + SECONDS_EACH
    for seed in seeds:
        target(seed)
    for _ in range(INPUTS):
        data = mutated(dice.choice(seeds), dice)
        start = time.process_time()
        target(data)
        now = time.process_time()
        assert now - start < SLOWEST, data.hex()
        if now > end:
            break


def test_seeds_belong_to_targets() -> None:
    assert {path.name for path in SEEDS.iterdir()} <= set(TARGETS)


def test_a_broken_parser_is_noticed() -> None:
    """The mutations reach what a length field that is believed would break."""

    def parse(data: bytes) -> int:
        return data[1 + data[0]] if data else 0

    dice = random.Random(1)
    inputs = [mutated(b"\x02abc", dice) for _ in range(INPUTS)]
    with pytest.raises(IndexError):
        list(map(parse, inputs))
