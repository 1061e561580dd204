"""ForwardPictures: a stream with B-frames for players that show pictures as they are decoded."""

from __future__ import annotations

from gamecast.media.codecs import is_reference
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet


class ForwardPictures:
    """Picks the pictures of one track that can be shown in decoding order.

    A picture that would go back in time is left out. When others may refer to such a one
    (b-pyramid), they cannot be decoded without it, nor can what refers to those: everything up to
    the next keyframe is left out too, and ``spoils`` tells.
    """

    __slots__ = ("_is_spoilt", "_latest", "spoils")

    def __init__(self) -> None:
        self._is_spoilt = False
        self._latest = 0
        self.spoils = False
        """Whether references had to be left out so far: what remains is hardly worth sending."""

    def takes(self, packet: Packet) -> bool:
        """Whether this one may be sent. Ask for every picture, in decoding order."""
        if packet.keyframe:
            self._is_spoilt = False
        elif self._is_spoilt:
            return False
        elif packet.pts < self._latest:
            if _is_needed(packet):
                self._is_spoilt = self.spoils = True
            return False
        self._latest = packet.pts
        return True


def _is_needed(packet: Packet) -> bool:
    try:
        return is_reference(packet.track.codec, packet.data)
    except MediaError:
        return True
