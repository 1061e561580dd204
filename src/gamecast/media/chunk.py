"""Chunk: immutable bytes of a rendition, the same object for every viewer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Chunk:
    """What a packager made of one packet (or of a header).

    ``starts_group`` marks bytes from which a new viewer can begin, given the rendition's header:
    those of a keyframe, or of any audio frame where the stream has no video.
    """

    data: bytes
    starts_group: bool = False
