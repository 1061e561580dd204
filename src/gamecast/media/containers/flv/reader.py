"""TagReader: FLV tags, or RTMP messages of the same types, into packets."""

from __future__ import annotations

from gamecast.media.containers.flv import metadata
from gamecast.media.containers.flv.audio import AudioReader
from gamecast.media.containers.flv.fourcc import TagType
from gamecast.media.containers.flv.state import Numbers
from gamecast.media.containers.flv.tags import MAX_TAG_BODY
from gamecast.media.containers.flv.video import VideoReader
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.timing import MillisecondRetimer
from gamecast.media.track import Track


class TagReader:
    """Reads the tags of one publisher, in order; make one per publisher.

    ``tracks`` holds what has been announced so far. A changed sequence header makes a new
    ``Track`` with the same id, to which the packets from then on refer; a repeated one makes none.
    Of a multitrack stream the first track of each kind has id 0 or 1, the others 2, 3 and so on;
    beyond 16 tracks they are dropped.

    Timestamps come from ``MillisecondRetimer``: unwrapped, without jumps, those of audio counted
    in samples. Keyframes are what the bitstream says, for encoders also flag recovery points.
    """

    __slots__ = ("_audio", "_retimer", "_video", "metadata", "tracks")

    def __init__(self) -> None:
        self.tracks: dict[int, Track] = {}
        self.metadata: dict[str, metadata.Scalar] = {}
        numbers = Numbers()
        self._retimer = MillisecondRetimer(32)
        self._video = VideoReader(self.tracks, numbers, self._retimer)
        self._audio = AudioReader(self.tracks, numbers, self._retimer)

    @property
    def jumps(self) -> int:
        """Discontinuities of the publisher's clock so far."""
        return self._retimer.jumps

    def read(self, tag_type: int, timestamp_ms: int, payload: bytes) -> list[Packet]:
        """The packets in one tag: none for headers and metadata, several for multitrack ones.

        ``timestamp_ms`` is the 32-bit timestamp as it came. Raises :class:`MediaError` when the
        payload is malformed, over 8 MiB, or of an unsupported codec.
        """
        if len(payload) > MAX_TAG_BODY:
            raise MediaError(f"frame of {len(payload)} bytes")
        if tag_type == TagType.SCRIPT:
            self._read_script(payload)
            return []
        if tag_type == TagType.VIDEO:
            return self._video.read(timestamp_ms, payload)
        if tag_type == TagType.AUDIO:
            return self._audio.read(timestamp_ms, payload)
        return []

    def _read_script(self, payload: bytes) -> None:
        properties = metadata.parse_script(payload)
        if properties is not None:
            self.metadata = properties
