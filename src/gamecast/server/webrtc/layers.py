"""Which of a publisher's pictures viewers see: the largest that still comes.

A browser that has too little bandwidth or processor time stops the top layers of its simulcast and
sends the others on; later it starts them again. The same holds for a camera beside a screen.
"""

from __future__ import annotations

from dataclasses import dataclass

LayerKey = tuple[int, str]

SILENT_SECONDS = 1.25
"""A layer of which no picture came for so long has stopped. Screens that stand still are sent once
a second, which is no stop."""


@dataclass(slots=True)
class _Layer:
    area: int
    seen_at: float


class LayerChoice:
    """Follows the largest layer, from keyframe to keyframe. Tell it of every whole picture."""

    def __init__(self) -> None:
        self.main: LayerKey | None = None
        """The layer that viewers see; ``None`` before the first keyframe of any."""
        self._layers: dict[LayerKey, _Layer] = {}

    def takes(self, layer: LayerKey, *, area: int, keyframe: bool, now: float) -> bool:
        """Whether viewers see this picture. ``area``: of its layer, in pixels; ``now``: seconds."""
        known = self._layers.get(layer)
        if known is None:
            known = self._layers[layer] = _Layer(area, now)
        known.area, known.seen_at = area, now
        if keyframe and self.best(now) == layer:
            self.main = layer
        return layer == self.main

    def best(self, now: float) -> LayerKey | None:
        """The largest layer that comes; of equals the one that viewers see.

        Where it is not :attr:`main`, it waits for a keyframe: ask for one.
        """
        best, most = self.main, -1
        for key, layer in self._layers.items():
            if now - layer.seen_at > SILENT_SECONDS:
                continue
            if layer.area > most or (layer.area == most and key == self.main):
                best, most = key, layer.area
        return best
