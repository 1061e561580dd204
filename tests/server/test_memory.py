"""When memory is given back."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gamecast.server.memory import MemoryTrimmer


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def run(counts: list[int], resident: Callable[[], int] = lambda: 0) -> list[int]:
    """The ticks, from 0, at which memory was given back."""
    remaining = iter(counts)
    trimmed: list[int] = []
    now = 0
    trimmer = MemoryTrimmer(
        lambda: next(remaining), trim=lambda: trimmed.append(now), resident=resident
    )
    for tick in range(len(counts)):
        now = tick
        trimmer.tick()
    return trimmed


def test_once_a_while_after_a_crowd_has_gone() -> None:
    assert run([0, 500, 1000, 1000, 400, *[0] * 200]) == [35]


def test_not_for_a_few_nor_while_most_stay() -> None:
    assert run([90, *[0] * 100]) == []
    assert run([1000, *[600] * 100]) == []


def test_again_for_the_next_crowd() -> None:
    assert run([300, *[0] * 50, 300, *[0] * 50]) == [31, 82]


def test_when_the_process_has_grown_but_not_again_and_again_for_what_is_in_use() -> None:
    sizes = iter([100, 101, 130, *[131] * 40, *[160] * 20])
    assert run([0] * 50, lambda: next(sizes, 160) << 20) == [2, 42]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_free_pages_between_used_ones_go_back_to_the_system() -> None:
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("no glibc")
    counts = iter([500, *[0] * 40])
    trimmer = MemoryTrimmer(lambda: next(counts))
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    blocks = [libc.malloc(50_000) for _ in range(1000)]
    for block in blocks:
        ctypes.memset(block, 1, 50_000)
    for index, block in enumerate(blocks):
        if index % 10:
            libc.free(ctypes.c_void_p(block))
    before = resident()
    for _ in range(40):
        trimmer.tick()
    assert before - resident() > 20_000_000
    for block in blocks[::10]:
        libc.free(ctypes.c_void_p(block))
