"""The clock strip: the sender's wall clock as black and white blocks along the top of a picture.

A viewer that samples these blocks knows when the picture was made, so a test (or a curious
streamer) can measure glass-to-glass delay: read the strip from the shown frame and subtract it
from the viewer's own wall clock.

Layout, in fractions of the picture so that it survives scaling: two rows, each 1/36 of the
height, of 32 blocks, each 1/32 of the width (40 x 20 pixels at 1280x720). White (luma 235) is 1,
black (luma 16) is 0. Read row by row from the left, most significant bit first, the 64 blocks are

====== ===== ==================================================================
bits   count meaning
====== ===== ==================================================================
0-7    8     marker ``10110010``: finds the strip, and gives the threshold
8-51   44    milliseconds since 1970-01-01 UTC
52-63  12    CRC-12 (polynomial 0x80F, initial value 0) of bits 0 to 51
====== ===== ==================================================================

The CRC rejects pictures torn or blended between two clocks. Nothing here knows about time or
frames: it is bytes to blocks and back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COLUMNS = 32
ROWS = 2
HEIGHT_DIVISOR = 36
"""The strip's rows are each ``height // 36`` pixels high."""
WHITE = 235
BLACK = 16
MARKER = 0b1011_0010
MARKER_BITS = 8
TIME_BITS = 44
CRC_BITS = 12
CRC_POLYNOMIAL = 0x80F
MIN_CONTRAST = 60
"""Least difference of luma between the marker's white and black blocks."""

Luma = NDArray[np.uint8]


def crc12(value: int, bits: int) -> int:
    """CRC-12 of the low ``bits`` bits of ``value``, most significant bit first."""
    register = 0
    for position in range(bits - 1, -1, -1):
        carry = (register >> (CRC_BITS - 1)) ^ (value >> position & 1)
        register = (register << 1) & ((1 << CRC_BITS) - 1)
        if carry & 1:
            register ^= CRC_POLYNOMIAL
    return register


def encode_word(milliseconds: int) -> int:
    """The 64 bits of the strip for a wall clock in milliseconds since 1970 (0 to 2**44 - 1)."""
    if not 0 <= milliseconds < 1 << TIME_BITS:
        raise ValueError("milliseconds must fit into 44 bits")
    payload = MARKER << TIME_BITS | milliseconds
    return payload << CRC_BITS | crc12(payload, MARKER_BITS + TIME_BITS)


def decode_word(word: int) -> int | None:
    """The milliseconds in 64 strip bits, or ``None`` if marker or CRC is wrong."""
    payload = word >> CRC_BITS
    if payload >> TIME_BITS != MARKER:
        return None
    if crc12(payload, MARKER_BITS + TIME_BITS) != word & ((1 << CRC_BITS) - 1):
        return None
    return payload & ((1 << TIME_BITS) - 1)


def strip_height(height: int) -> int:
    """Pixels at the top of a picture ``height`` pixels high that the strip covers (always even)."""
    return ROWS * row_height(height)


def row_height(height: int) -> int:
    """Pixels of one row of blocks."""
    return max(2, height // HEIGHT_DIVISOR)


def draw(luma: Luma, milliseconds: int) -> None:
    """Write the strip into the top rows of a luma plane of shape ``(height, width)``.

    The caller keeps the chroma of ``strip_height`` rows neutral (128).
    """
    height, width = luma.shape
    rows = row_height(height)
    bits = np.array([encode_word(milliseconds)], dtype=">u8").view(np.uint8)
    levels = np.where(np.unpackbits(bits), WHITE, BLACK).astype(np.uint8)
    columns = np.arange(width) * COLUMNS // width
    for row in range(ROWS):
        line = levels[row * COLUMNS : (row + 1) * COLUMNS][columns]
        luma[row * rows : (row + 1) * rows] = line


def sample_blocks(luma: Luma) -> NDArray[np.float64]:
    """Mean luma of the middle of each of the 64 blocks of a whole picture's luma plane."""
    height, width = luma.shape
    rows = max(1.0, height / HEIGHT_DIVISOR)
    block = width / COLUMNS
    means = np.empty(ROWS * COLUMNS)
    for index in range(ROWS * COLUMNS):
        row, column = divmod(index, COLUMNS)
        top, bottom = _middle(row * rows, rows)
        left, right = _middle(column * block, block)
        means[index] = luma[top:bottom, left:right].mean()
    return means


def _middle(start: float, size: float) -> tuple[int, int]:
    """The pixels of the middle half of ``[start, start + size)``; at least one."""
    first = int(start + size / 4)
    return first, max(first + 1, int(start + size * 3 / 4))


def decode(luma: Luma) -> int | None:
    """Milliseconds since 1970 read from a picture's luma plane (or its grey values).

    ``luma`` has the shape ``(height, width)`` and is the *whole* picture, at any scale from about
    256 pixels of width; limited and full range both work. ``None`` where there is no valid strip.
    """
    height, width = luma.shape
    if height < ROWS * 2 or width < COLUMNS:
        return None
    blocks = sample_blocks(luma)
    marker = np.array([MARKER >> (MARKER_BITS - 1 - i) & 1 for i in range(MARKER_BITS)], dtype=bool)
    white = blocks[:MARKER_BITS][marker].mean()
    black = blocks[:MARKER_BITS][~marker].mean()
    if white - black < MIN_CONTRAST:
        return None
    word = 0
    for level in blocks:
        word = word << 1 | int(level > (white + black) / 2)
    return decode_word(word)
