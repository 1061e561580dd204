"""A small bitmap font, drawn for this program: PyAV's wheels have no ``drawtext``."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WIDTH = 5
HEIGHT = 7

_ROWS: dict[str, str] = {
    " ": "..... ..... ..... ..... ..... ..... .....",
    "0": ".###. #...# #..## #.#.# ##..# #...# .###.",
    "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    "2": ".###. #...# ....# ...#. ..#.. .#... #####",
    "3": ".###. #...# ....# ..##. ....# #...# .###.",
    "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
    "5": "##### #.... ####. ....# ....# #...# .###.",
    "6": "..##. .#... #.... ####. #...# #...# .###.",
    "7": "##### ....# ...#. ...#. ..#.. ..#.. ..#..",
    "8": ".###. #...# #...# .###. #...# #...# .###.",
    "9": ".###. #...# #...# .#### ....# ...#. .##..",
    ":": "..... ..#.. ..#.. ..... ..#.. ..#.. .....",
    ".": "..... ..... ..... ..... ..... .##.. .##..",
    "A": ".###. #...# #...# ##### #...# #...# #...#",
    "C": ".###. #...# #.... #.... #.... #...# .###.",
    "E": "##### #.... #.... ####. #.... #.... #####",
    "G": ".###. #...# #.... #.### #...# #...# .###.",
    "M": "#...# ##.## #.#.# #.#.# #...# #...# #...#",
    "S": ".#### #.... #.... .###. ....# ....# ####.",
    "T": "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..",
}


@lru_cache(maxsize=512)
def glyph(character: str, scale: int) -> NDArray[np.bool_]:
    """One character as a mask of ``7 * scale`` rows and ``5 * scale`` columns.

    Raises ``KeyError`` for characters that the font lacks.
    """
    rows = _ROWS[character].split()
    mask = np.array([[dot == "#" for dot in row] for row in rows])
    return np.kron(mask, np.ones((scale, scale), dtype=bool)).astype(bool)


def text_width(text: str, scale: int) -> int:
    """Pixels from the first dot column to the last of ``text``, one dot between characters."""
    return max(0, len(text) * (WIDTH + 1) - 1) * scale


def draw_text(
    plane: NDArray[np.uint8], text: str, *, x: int, y: int, scale: int, level: int
) -> None:
    """Draw ``text`` with its top left corner at ``(x, y)``; what leaves the plane is cut off."""
    for index, character in enumerate(text):
        left = x + index * (WIDTH + 1) * scale
        target = plane[y : y + HEIGHT * scale, left : left + WIDTH * scale]
        mask = glyph(character, scale)[: target.shape[0], : target.shape[1]]
        target[mask] = level
