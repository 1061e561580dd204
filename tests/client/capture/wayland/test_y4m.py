import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.client.capture.wayland.y4m import Y4mError, Y4mReader


@contextmanager
def pipe_of(data: bytes) -> Iterator[int]:
    """The reading end of a pipe that another thread fills."""
    output, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield output
    finally:
        while os.read(output, 1 << 16):
            pass
        writer.join()
        os.close(output)


def planes(
    width: int, height: int, seed: int
) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    random = np.random.default_rng(seed)
    half = (height + 1) // 2, (width + 1) // 2
    return [random.integers(0, 256, size, np.uint8) for size in ((height, width), half, half)]


def packed(width: int, height: int, seed: int, *, padded: bool) -> bytes:
    """One picture as y4menc writes it."""
    multiple, parts = 4 if padded else 1, []
    for number, plane in enumerate(planes(width, height, seed)):
        extra = (height % 2 if number == 0 and padded else 0, -plane.shape[1] % multiple)
        parts.append(np.pad(plane, ((0, extra[0]), (0, extra[1]))).tobytes())
    return b"FRAME\n" + b"".join(parts)


def header(width: int, height: int) -> bytes:
    return f"YUV4MPEG2 C420 W{width} H{height} Ip F0:1 A1:1\n".encode()


@pytest.mark.parametrize(
    ("size", "padded"), list(product([(64, 48), (63, 35), (34, 22), (1, 1)], [False, True]))
)
def test_every_byte_finds_its_place(size: tuple[int, int], padded: bool) -> None:
    data = header(*size) + packed(*size, 1, padded=padded) + packed(*size, 2, padded=padded)
    with pipe_of(data) as output:
        reader = Y4mReader(output, padded=padded)
        for seed in (1, 2):
            frame = reader.read()
            assert frame is not None
            assert (frame.width, frame.height, frame.format.name) == (*size, "yuv420p")
            for plane, wanted in zip(frame.planes, planes(*size, seed), strict=True):
                got = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
                assert (got[: plane.height, : plane.width] == wanted).all()
        assert reader.read() is None


def test_the_size_changes_in_midstream() -> None:
    data = b"".join(header(*s) + packed(*s, 1, padded=True) for s in ((64, 48), (99, 51)))
    with pipe_of(data) as output:
        reader = Y4mReader(output, padded=True)
        sizes = [(frame.width, frame.height) for frame in (reader.read(), reader.read()) if frame]
    assert sizes == [(64, 48), (99, 51)]


def test_an_end_within_a_picture_is_the_end() -> None:
    with pipe_of(header(64, 48) + packed(64, 48, 1, padded=False)[:-5]) as output:
        assert Y4mReader(output).read() is None


@pytest.mark.parametrize(
    "data",
    [
        b"FRAME\n" + bytes(64),
        b"RIFF....AVI LIST",
        b"YUV4MPEG2 " + b"X" * 300,
        b"YUV4MPEG2 C420 W64\n",
        b"YUV4MPEG2 C420 W0 H48\n",
        b"YUV4MPEG2 C420 W99999 H48\n",
        b"YUV4MPEG2 C444 W64 H48\n",
        header(64, 48) + b"FRAMES" + bytes(64),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pipe_of(data) as output, pytest.raises(Y4mError):
        Y4mReader(output).read()


@given(st.binary(max_size=200), st.booleans())
def test_nonsense_raises_the_documented_error_only(data: bytes, begun: bool) -> None:
    whole = (header(4, 4) if begun else b"") + data
    with pipe_of(whole) as output:
        reader = Y4mReader(output)
        try:
            while reader.read() is not None:
                pass
        except Y4mError:
            pass
