"""The moving test scene: a drive towards a sunset, with clocks that people and programs can read.

Top rows: the machine-readable clock (``clockstrip``). Lower left: the wall clock for people. Lower
right: the pulse, a disc that lights up in the first tenth of every second, together with
the note of ``tone``, so that the offset of sound and picture can be seen, heard and measured.

Painting touches few bytes: still parts are copied, and moving parts are row-wise maxima and
scrolled slices (about 0.3 ms of one core for 1280x720 and 0.5 ms for 1920x1080, where copying
the planes alone takes 0.1 and 0.2 ms).
"""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from gamecast.client.capture import backdrop, clockstrip, glyphs
from gamecast.client.capture.backdrop import Layer, Picture

HORIZON = 0.56
"""Row of the horizon as a fraction of the height."""
PULSE_SECONDS = 0.1
"""How long the pulse stays at full brightness."""
PULSE_CENTRE = (0.93, 0.88)
"""Centre of the pulse as fractions of width and height; its radius is 0.05 of the height."""
PULSE_RADIUS = 0.05
ORBS: tuple[tuple[backdrop.Rgb, float, float, float], ...] = (
    ((60, 220, 255), 0.61, 0.43, 0.0),
    ((255, 200, 60), 0.37, 0.71, 2.1),
    ((140, 255, 140), 0.47, 0.29, 4.2),
)
"""Colour, speed across, speed down (radians per second), phase."""


class Scene:
    """Paints the scene at one size; both sizes must be even and at least 64."""

    def __init__(self, width: int, height: int) -> None:
        if width % 2 or height % 2 or width < 64 or height < 64:
            raise ValueError(f"the scene cannot be {width}x{height}: sizes are even, from 64")
        self.width = width
        self.height = height
        self._horizon = int(height * HORIZON) // 2 * 2
        self._sky = backdrop.sky(width, height, self._horizon)
        self._ridges = (
            (self._ridge(0.17, backdrop.FAR_RIDGE, seed=3), 0.012),
            (self._ridge(0.09, backdrop.NEAR_RIDGE, seed=11), 0.035),
        )
        self._floor = backdrop.floor(width, height - self._horizon)
        self._depth = (np.arange(height - self._horizon) + 2.0) / (height - self._horizon)
        self._line = backdrop.to_yuv(np.asarray([backdrop.LINE], dtype=np.float64))[0]
        self._orb_size = max(8, int(height * 0.11) // 2 * 2)
        self._orbs = [(backdrop.orb(self._orb_size, orb[0]), orb[1:]) for orb in ORBS]
        self._pulse = self._pulse_mask()

    def _ridge(self, height: float, colour: backdrop.Rgb, *, seed: int) -> Layer:
        pixels = max(4, int(self.height * height) // 2 * 2)
        return backdrop.ridge(
            self.width, base=self._horizon, height=pixels, colour=colour, seed=seed
        )

    def paint(self, picture: Picture, seconds: float, wall_clock: float) -> None:
        """Fill ``picture``.

        ``seconds`` moves the scene; ``wall_clock`` (seconds since 1970) is what the clocks show
        and what the pulse follows.
        """
        for plane, still in zip(
            (picture.y, picture.u, picture.v), (self._sky.y, self._sky.u, self._sky.v), strict=True
        ):
            plane[: still.shape[0]] = still
        for layer, speed in self._ridges:
            self._scroll(picture, layer, seconds * speed)
        self._roll_floor(picture.rows(self._horizon, self.height), seconds)
        for sprite, path in self._orbs:
            self._paste_orb(picture, sprite, path, seconds)
        self._draw_clocks(picture, seconds, wall_clock)
        self._draw_pulse(picture, wall_clock)

    def _scroll(self, picture: Picture, layer: Layer, turns: float) -> None:
        """Paste the part of a layer that is in view after ``turns`` of its whole width."""
        offset = int((turns % 1) * self.width) // 2 * 2
        target = picture.rows(layer.top, layer.top + layer.mask.shape[0])
        full, half = (
            slice(offset, offset + self.width),
            slice(offset // 2, (offset + self.width) // 2),
        )
        np.copyto(target.y, layer.picture.y[:, full], where=layer.mask[:, full])
        np.copyto(target.u, layer.picture.u[:, half], where=layer.half_mask[:, half])
        np.copyto(target.v, layer.picture.v[:, half], where=layer.half_mask[:, half])

    def _roll_floor(self, target: Picture, seconds: float) -> None:
        """Lines across the floor, moving towards the viewer: brightness by row."""
        distance = 1.1 / self._depth + seconds * 2.2
        edge = np.abs(distance - np.rint(distance)) * self._depth**2
        glow = np.clip(1.5 - edge * 60, 0, 1) * np.clip(self._depth * 4, 0, 1) * 0.8
        black = (16.0, 128.0, 128.0)
        rows = [
            (base + glow * (level - base)).astype(np.uint8)[:, None]
            for base, level in zip(black, self._line, strict=True)
        ]
        np.maximum(self._floor.y, rows[0], out=target.y)
        np.maximum(self._floor.u, rows[1][::2], out=target.u)
        np.maximum(self._floor.v, rows[2][::2], out=target.v)

    def _paste_orb(
        self,
        picture: Picture,
        sprite: tuple[Picture, NDArray[np.float32], NDArray[np.float32]],
        path: tuple[float, float, float],
        seconds: float,
    ) -> None:
        """Blend one ball at its place on a Lissajous curve in the sky."""
        across, down, phase = path
        size, top = self._orb_size, clockstrip.strip_height(self.height)
        x = (0.5 + 0.5 * math.sin(seconds * across + phase)) * (self.width - size)
        y = (0.5 + 0.5 * math.sin(seconds * down + phase * 2)) * (self._horizon - size - top) + top
        left, upper = int(x) // 2 * 2, int(y) // 2 * 2
        colours, alpha, half = sprite
        _blend(picture.y[upper : upper + size, left : left + size], colours.y, alpha)
        chroma = np.s_[upper // 2 : (upper + size) // 2, left // 2 : (left + size) // 2]
        _blend(picture.u[chroma], colours.u, half)
        _blend(picture.v[chroma], colours.v, half)

    def _draw_clocks(self, picture: Picture, seconds: float, wall_clock: float) -> None:
        top = clockstrip.strip_height(self.height)
        picture.u[: (top + 1) // 2] = 128
        picture.v[: (top + 1) // 2] = 128
        clockstrip.draw(picture.y, int(wall_clock * 1000))
        scale = max(1, self.height // 120)
        clock = time.strftime("%H:%M:%S", time.localtime(wall_clock))
        x, y = self.width // 32, int(self.height * 0.84)
        text = f"{clock}.{int(wall_clock * 1000) % 1000:03d}"
        self._darken(picture, x - 2 * scale, y - 6 * scale, glyphs.text_width(text, scale), scale)
        glyphs.draw_text(picture.y, text, x=x, y=y, scale=scale, level=235)
        name, small = "GAMECAST", max(1, scale // 2)
        glyphs.draw_text(picture.y, name, x=x, y=y - 9 * small, scale=small, level=200)

    def _darken(self, picture: Picture, x: int, y: int, width: int, scale: int) -> None:
        """A dark panel behind the clock, from ``(x, y)``."""
        box = picture.y[y : y + 15 * scale, x : x + width + 4 * scale]
        np.minimum(box, 40, out=box)
        half = np.s_[y // 2 : (y + 15 * scale) // 2, x // 2 : (x + width + 4 * scale) // 2]
        picture.u[half] = 132
        picture.v[half] = 128

    def _pulse_mask(self) -> tuple[slice, slice, NDArray[np.bool_]]:
        """Where the pulse is: rows, columns, and the disc in them."""
        radius = max(2, int(self.height * PULSE_RADIUS) // 2 * 2)
        x = int(self.width * PULSE_CENTRE[0]) // 2 * 2
        y = int(self.height * PULSE_CENTRE[1]) // 2 * 2
        ys, xs = np.mgrid[-radius:radius, -radius:radius]
        rows, columns = slice(y - radius, y + radius), slice(x - radius, x + radius)
        return rows, columns, np.hypot(xs, ys) < radius

    def _draw_pulse(self, picture: Picture, wall_clock: float) -> None:
        """Full brightness for ``PULSE_SECONDS`` after each full second, then dark."""
        rows, columns, disc = self._pulse
        picture.y[rows, columns][disc] = 235 if wall_clock % 1 < PULSE_SECONDS else 30
        half_rows = slice(rows.start // 2, rows.stop // 2)
        half_columns = slice(columns.start // 2, columns.stop // 2)
        small = disc[::2, ::2]
        picture.u[half_rows, half_columns][small] = 128
        picture.v[half_rows, half_columns][small] = 128


def _blend(
    target: NDArray[np.uint8], source: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> None:
    """Mix ``source`` over ``target`` in place."""
    mixed = target + (source.astype(np.float32) - target) * alpha
    target[:] = mixed.astype(np.uint8)
