"""Random damage to a seed, the same for the same dice: for runs without coverage to guide them."""

from __future__ import annotations

import random

MOST = 16_384
INTERESTING = [
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
]


def mutated(seed: bytes, dice: random.Random) -> bytes:
    """The seed with one to eight changes: bits, bytes, pieces gone, doubled or moved, a cut end."""
    start = dice.randrange(max(1, len(seed) - MOST // 2)) if len(seed) > MOST else 0
    data = bytearray(seed[:64] + seed[start + 64 : start + MOST])
    for _ in range(dice.randint(1, 8)):
        at = dice.randint(0, len(data))
        choice = dice.randrange(6)
        if choice == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif choice == 1:
            piece = dice.choice(INTERESTING)
            data[at : at + len(piece)] = piece
        elif choice == 2:
            del data[at : at + dice.randint(1, 16)]
        elif choice == 3:
            data[at:at] = data[at : at + dice.randint(1, 64)]
        elif choice == 4:
            data[at:at] = dice.randbytes(dice.randint(1, 16))
        else:
            del data[max(at, 1) :]
    return bytes(data)
