"""Which tracks a destination is given: one encode, but not every protocol takes every codec."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gamecast.client.push.target import FileTarget, Target
from gamecast.client.push.whip_target import WhipTarget
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track

_SEVERAL = ("mp4", "matroska")
"""Containers that hold more than one track of sound."""
Write = Callable[[Packet], None]


def audio_codecs(targets: Sequence[Target], wanted: Codec) -> list[Codec]:
    """The codecs in which sound has to be encoded: ``wanted``, but Opus for WebRTC."""
    needed = [Codec.OPUS if isinstance(target, WhipTarget) else wanted for target in targets]
    return sorted(set(needed) or {wanted}, key=lambda codec: codec is not wanted)


def chosen_tracks(
    target: Target | None, tracks: Sequence[Track], stems: Sequence[Track]
) -> list[Track]:
    """The pictures, and the first sound that the target takes (the first, where none fits).

    A recording gets the ``stems`` too, which are among the tracks, if its container has room.
    """
    pictures = [track for track in tracks if track.kind is Kind.VIDEO]
    sounds = [track for track in tracks if track.kind is Kind.AUDIO]
    if isinstance(target, WhipTarget):
        sounds.sort(key=lambda track: track.codec is not Codec.OPUS)
    several = isinstance(target, FileTarget) and target.container in _SEVERAL
    return pictures + sounds[:1] + (list(stems) if several else [])


def only(tracks: Sequence[Track], *, of: Sequence[Track], write: Write) -> Write:
    """``write`` for the packets of these tracks; itself, where those are all there are."""
    if len(tracks) == len(of):
        return write
    wanted = frozenset(track.id for track in tracks)

    def write_some(packet: Packet) -> None:
        if packet.track.id in wanted:
            write(packet)

    return write_some
