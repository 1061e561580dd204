"""The still parts of the test scene, made once: night sky, striped sun, mountains, floor.

Everything is planar YUV 4:2:0, BT.709, limited range. A ``Picture`` is its three planes; chroma
planes have half the width and height.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Rgb = tuple[float, float, float]

SKY_TOP: Rgb = (18, 14, 52)
SKY_LOW: Rgb = (196, 62, 140)
SUN_TOP: Rgb = (255, 220, 110)
SUN_LOW: Rgb = (255, 70, 130)
FAR_RIDGE: Rgb = (84, 40, 110)
NEAR_RIDGE: Rgb = (40, 22, 72)
FLOOR: Rgb = (16, 10, 40)
LINE: Rgb = (255, 60, 220)


@dataclass(slots=True)
class Picture:
    """Three planes of a 4:2:0 picture (or of a part of one)."""

    y: Plane
    u: Plane
    v: Plane

    def rows(self, top: int, bottom: int) -> Picture:
        """A view of luma rows ``top`` to ``bottom`` (even numbers)."""
        half = slice(top // 2, bottom // 2)
        return Picture(self.y[top:bottom], self.u[half], self.v[half])


@dataclass(slots=True)
class Layer:
    """A picture twice as wide as the screen, seamless at its middle, with masks to paste it by."""

    picture: Picture
    mask: NDArray[np.bool_]
    half_mask: NDArray[np.bool_]
    top: int


def to_yuv(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.709 limited-range Y, Cb, Cr (last axis) of R'G'B' 0 to 255 (last axis)."""
    red, green, blue = (rgb[..., i] / 255 for i in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    cb = 128 + 224 * (blue - luma) / 1.8556
    cr = 128 + 224 * (red - luma) / 1.5748
    return np.stack([16 + 219 * luma, cb, cr], axis=-1)


def subsample(rgb: NDArray[np.float64]) -> Picture:
    """Planes of an RGB image of shape ``(height, width, 3)``; both sizes even."""
    yuv = to_yuv(rgb)
    height, width = rgb.shape[:2]
    chroma = yuv[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean(axis=(1, 3))
    planes = (yuv[..., 0], chroma[..., 0], chroma[..., 1])
    y, u, v = (np.clip(np.rint(plane), 1, 254).astype(np.uint8) for plane in planes)
    return Picture(y, u, v)


def _mix(low: Rgb, high: Rgb, amount: NDArray[np.float64]) -> NDArray[np.float64]:
    """``low`` where ``amount`` is 0, ``high`` where it is 1."""
    start = np.asarray(low, dtype=np.float64)
    return start + amount[..., None] * (np.asarray(high, dtype=np.float64) - start)


def sky(width: int, height: int, horizon: int) -> Picture:
    """Gradient, stars and the striped sun over a dark floor."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float64)
    image = _mix(SKY_TOP, SKY_LOW, np.clip(ys / horizon, 0, 1) ** 2)
    _add_stars(image, horizon)
    _add_sun(image, xs, ys, horizon)
    image[horizon:] = FLOOR
    return subsample(image)


def _add_stars(image: NDArray[np.float64], horizon: int) -> None:
    """Scatter the same stars every time."""
    random = np.random.default_rng(7)
    height, width = image.shape[:2]
    size = max(1, height // 540)
    for y, x in zip(
        random.integers(0, int(horizon * 0.7), 90), random.integers(0, width, 90), strict=True
    ):
        image[y : y + size, x : x + size] += random.uniform(60, 190)
    np.clip(image, 0, 255, out=image)


def _add_sun(
    image: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64], horizon: int
) -> None:
    """A disc whose lower half is cut by stripes that widen towards the horizon."""
    height, width = image.shape[:2]
    radius = height * 0.24
    centre_y = horizon - radius * 0.55
    distance = np.hypot(xs - width / 2, ys - centre_y)
    glow = np.clip(1 - (distance - radius) / (radius * 0.9), 0, 1) ** 3 * 0.35
    image += glow[..., None] * (np.asarray(SUN_LOW) - image)
    down = (ys - centre_y) / radius
    # Not np.mod: with NumPy 2.5 it warns of invalid values once SVT-AV1 has run in the process.
    stripe = down * 6 - np.floor(down * 6)
    gap = (down > -0.1) & (stripe < 0.12 + 0.35 * np.clip(down, 0, 1))
    disc = np.clip(radius - distance, 0, 1) * ~gap
    colour = _mix(SUN_TOP, SUN_LOW, np.clip((down + 1) / 2, 0, 1))
    image += disc[..., None] * (colour - image)


def ridge(width: int, *, base: int, height: int, colour: Rgb, seed: int) -> Layer:
    """A mountain range ``height`` pixels high standing on row ``base``, to be scrolled."""
    random = np.random.default_rng(seed)
    x = np.arange(width) / width * 2 * np.pi
    shape = sum(
        np.sin(x * wave + random.uniform(0, 6.28)) / wave**0.8 for wave in (2, 3, 5, 9, 14, 23)
    )
    peaks = np.asarray(shape)
    tops = (1 - (peaks - peaks.min()) / np.ptp(peaks)) * height * 0.9
    top = (base - height) // 2 * 2
    rows = base - top
    below = np.arange(rows)[:, None] - tops[None, :]
    light = np.clip(1 - below / (height * 0.5), 0, 1) * 0.5
    image = _mix(colour, SKY_LOW, light * (below >= 0))
    picture = subsample(np.tile(image, (1, 2, 1)))
    mask = np.tile(below >= 0, (1, 2))
    return Layer(picture, mask, np.ascontiguousarray(mask[::2, ::2]), top)


def floor(width: int, height: int) -> Picture:
    """The floor's lines into the distance; the lines across it move and are not here."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float64)
    depth = (ys + 2) / height
    lane = (xs - width / 2) / (depth * width * 0.11)
    edge = np.abs(lane - np.rint(lane)) * depth * width * 0.11
    line = np.clip(1.6 - edge / (0.5 + depth * 1.5), 0, 1) * np.clip(depth * 4, 0, 1)
    return subsample(_mix(FLOOR, LINE, line * 0.8))


def orb(size: int, colour: Rgb) -> tuple[Picture, NDArray[np.float32], NDArray[np.float32]]:
    """A glowing ball in a square of ``size`` pixels: planes, alpha, alpha of the chroma planes."""
    ys, xs = (np.mgrid[0:size, 0:size] - (size - 1) / 2) / (size / 2)
    distance = np.hypot(xs, ys)
    alpha = np.clip(1 - distance, 0, 1) ** 1.5
    alpha[distance < 0.45] = 1
    shine = np.clip(1 - np.hypot(xs + 0.15, ys + 0.18) / 0.5, 0, 1) ** 2
    picture = subsample(_mix(colour, (255, 255, 255), shine))
    half = alpha.reshape(size // 2, 2, size // 2, 2).mean(axis=(1, 3))
    return picture, alpha.astype(np.float32), half.astype(np.float32)
