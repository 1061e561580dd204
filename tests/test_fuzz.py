"""The fuzz targets for a moment: every seed, and each of them damaged in a few hundred ways."""

from __future__ import annotations

import random
import time

import pytest
from fuzz.mutation import mutated
from fuzz.seeds import SEEDS, seeds_of
from fuzz.targets import TARGETS

INPUTS = 300
SECONDS_EACH = 1.0
SLOWEST = 0.5
"""Process seconds for 16 KiB of anything, on a machine ten times slower than ours."""


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
