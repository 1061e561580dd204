"""Which codecs each way to the viewers needs converted: the one place that says so.

WebRTC decides for itself, viewer by viewer (``gamecast.server.webrtc.source``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gamecast.media.track import Codec, Kind, Track

_FOUR_CC = {Codec.VP8: "vp08", Codec.VP9: "vp09"}
"""By which names an RTMP player says that it has them (Enhanced RTMP)."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Needs:
    """What the players of one way out cannot show, or it cannot carry."""

    pictures: frozenset[Codec] = frozenset()
    """These become H.264."""
    aac: bool = False
    """Opus becomes AAC, where the picture is nothing newer than H.264 or there is none: players
    who show HEVC or AV1 here know Opus as well."""

    def steps(self, tracks: Sequence[Track]) -> tuple[Codec, ...]:
        """What has to be made of these tracks, one after the other; empty: they go as they are."""
        shown = next((each.codec for each in tracks if each.kind is Kind.VIDEO), None)
        steps = []
        if shown in self.pictures:
            steps.append(shown := Codec.H264)
        opus = any(each.codec is Codec.OPUS for each in tracks)
        if self.aac and opus and shown in (None, Codec.H264):
            steps.append(Codec.AAC)
        return tuple(steps)

    def converts(self, track: Track) -> bool:
        """Whether this picture becomes another one."""
        return track.codec in self.pictures

    @property
    def word(self) -> str:
        """For the keys of renditions: the same for equal needs only."""
        return "+".join([*sorted(self.pictures), *(["opus"] if self.aac else [])])


NOTHING = Needs()
FLV = Needs(pictures=frozenset({Codec.VP8, Codec.VP9}), aac=True)
"""Over HTTP a player does not say what it has; hardly one has these."""
TS = Needs(pictures=frozenset({Codec.VP8, Codec.VP9, Codec.AV1}))
"""There is no place for these in a transport stream; Opus has one."""
HLS = Needs(pictures=frozenset({Codec.VP8}))
"""Browsers play VP9, AV1 and Opus in fragmented MP4, but VP8 only in WebM."""


def rtmp_needs(decodes: Callable[[str], bool]) -> Needs:
    """What an RTMP player needs; ``decodes``: whether it has the codec of a FourCC."""
    lacks = {codec for codec, four_cc in _FOUR_CC.items() if not decodes(four_cc)}
    return Needs(pictures=frozenset(lacks), aac=not decodes("Opus"))
