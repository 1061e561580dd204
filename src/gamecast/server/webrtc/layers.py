"""Which of a publisher's pictures viewers see: the largest that there is."""

from __future__ import annotations

LayerKey = tuple[int, str]


class LayerChoice:
    """Follows the largest layer, from keyframe to keyframe. Tell it of every whole picture."""

    def __init__(self) -> None:
        self.main: LayerKey | None = None
        """The layer that viewers see; ``None`` before the first keyframe of any."""
        self._area = 0

    def takes(self, layer: LayerKey, *, area: int, keyframe: bool) -> bool:
        """Whether viewers see this picture. ``area``: of its layer, in pixels."""
        if keyframe and (self.main in (None, layer) or area > self._area):
            self.main, self._area = layer, area
        return layer == self.main
