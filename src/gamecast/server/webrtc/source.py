"""What WebRTC can carry of a stream: tracks as they are, or transcoded once for all viewers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Literal

import structlog

from gamecast.media.forward import ForwardPictures
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.relay.pace import Pace
from gamecast.relay.stream import Stream
from gamecast.server.convert import Converter, MakeConverter, close_soon
from gamecast.server.webrtc.rendition import RtpRendition
from gamecast.server.webrtc.viewer import WhepViewer

log = structlog.get_logger(__name__)

CARRIED = {Codec.H264, Codec.HEVC, Codec.AV1, Codec.VP8, Codec.VP9, Codec.OPUS}
_PATIENCE = 5.0
_LINGER_SECONDS = 15.0
"""A source is kept this long without viewers: a page that reloads must not restart encoders."""

BFrames = Literal["transcode", "drop", "refuse"]
B_FRAMES_REFUSED = (
    "the stream has B-frames, which WebRTC cannot carry: turn them off in the encoder, "
    'or let the server encode again (webrtc.b_frames = "transcode")'
)


class WebRtcSource:
    """The stream's rendition for WebRTC: feeds :class:`RtpRendition`, through converters if needed.

    A track whose codec RTP does not carry, and a picture with B-frames, is converted once for all
    viewers, from the first viewer on; B-frames that no other picture refers to are left out where
    the configuration says so. Viewers who cannot decode the picture that the others get
    share a source of their own, whose pictures are all of one codec that they have.
    """

    KEY = "webrtc"
    """The source of those who take the stream as it is."""

    def __init__(
        self,
        stream: Stream,
        *,
        convert: MakeConverter | None,
        b_frames: BFrames,
        pace: Pace,
        only: Codec | None = None,
    ) -> None:
        """``only``: what the picture is turned into for viewers who cannot decode it, even if it is
        of that codec (of a profile that they lack)."""
        self.only = only
        self._stream = stream
        self._convert = convert
        self._b_frames = b_frames
        self._forward = ForwardPictures()
        self._converters: dict[int, Converter] = {}
        self._tracks: dict[int, Track] = {}
        self._awaited: set[int] = set()
        self._changed = asyncio.Event()
        self._expected = 0
        self._unwatched_since = stream.clocks.monotonic()
        self.rtp = RtpRendition(stream, [], [], pace=pace)
        self._start()

    @classmethod
    def key(cls, only: Codec | None) -> str:
        """The rendition's key in its stream."""
        return f"{cls.KEY}:{only}" if only else cls.KEY

    # Rendition ----------------------------------------------------------------------------------

    def write(self, packet: Packet) -> None:
        """One packet of the stream."""
        converter = self._converters.get(packet.track.id)
        if converter is not None:
            converter.write(packet)
        elif packet.track.id in self._tracks:
            self._pass(packet)

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """Other tracks or configurations: decide again what needs converting.

        What is converted already goes on, for converters take a new configuration as it comes.
        Until one delivers, viewers have the track that they had.
        """
        converted = {each.id: each for each in tracks if self._needs_converting(each)}
        for id in self._converters.keys() - converted.keys():
            self._stop_converter(id)
        had = self._tracks
        self._tracks = {each.id: each for each in tracks if each.id not in converted}
        for id, track in converted.items():
            if self._convert is None or not self._may_convert(track):
                continue
            if id in had:
                self._tracks[id] = had[id]
            if id not in self._converters:
                self._start_converter(track, self._convert)
        self.rtp.change_tracks(list(self._tracks.values()))

    def resume(self) -> None:
        """The publisher is back."""
        self.rtp.resume()

    def finish(self, reason: str) -> None:
        """The stream is over."""
        self._stop_converters()
        self.rtp.finish(reason)

    def tick(self, now: float) -> None:
        """Sender reports."""
        self.rtp.tick(now)
        if self.rtp.viewers or self._expected:
            self._unwatched_since = now

    def audience(self) -> dict[str, int]:
        """Connected viewers."""
        return self.rtp.audience()

    @property
    def unwatched(self) -> bool:
        """Nobody watches, or is about to, and nobody has for a while."""
        idle = self._stream.clocks.monotonic() - self._unwatched_since
        gone = not self.rtp.viewers and not self._expected
        if gone and (not self._converters or idle > _LINGER_SECONDS):
            self._stop_converters()
            return True
        return False

    # For sessions -------------------------------------------------------------------------------

    def expect(self) -> None:
        """A viewer is on its way: do not let go of this source. Pair with :meth:`expected`."""
        self._expected += 1

    def expected(self) -> None:
        """It has arrived, or never will."""
        self._expected -= 1
        self._unwatched_since = self._stream.clocks.monotonic()

    async def playable(self) -> list[Track]:
        """The tracks that viewers can have, once converters have said what they make."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while self._awaited:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            log.warning("webrtc.converter_late", channel=self._stream.name)
        return [self._tracks[id] for id in sorted(self._tracks)]

    def join(self, viewer: WhepViewer) -> None:
        """A viewer has connected."""
        self.rtp.join(viewer)

    def leave(self, viewer: WhepViewer) -> None:
        """A viewer is gone."""
        self.rtp.leave(viewer)

    def want_keyframe(self, viewer: WhepViewer) -> None:
        """A viewer cannot go on without a keyframe."""
        for converter in self._converters.values():
            converter.request_keyframe()
        self.rtp.want_keyframe(viewer)

    # Inside -------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Only now is the stream's cached group written: later on viewers have had it."""
        self.change_tracks(self._stream.main_tracks)
        for packet in self._stream.cached():
            if packet.track.id in self._tracks and packet.track.id not in self._converters:
                self._pass(packet)

    def _pass(self, packet: Packet) -> None:
        """A packet that viewers get as it is; a picture that begins to have B-frames does not."""
        if packet.is_video:
            may_go = self._forward.takes(packet)
            if self._needs_converting(packet.track):
                self.change_tracks(self._stream.main_tracks)
                if self._b_frames == "refuse":
                    self.rtp.dismiss(B_FRAMES_REFUSED)
                return
            if not may_go:
                return
        self.rtp.write(packet)

    def _start_converter(self, track: Track, convert: MakeConverter) -> None:
        self._awaited.add(track.id)
        codec = Codec.OPUS if track.kind is Kind.AUDIO else self.only or Codec.H264
        converter = convert(track, codec, partial(self._converted, track.id))
        self._converters[track.id] = converter
        converter.catch_up([p for p in self._stream.cached() if p.track.id == track.id])

    def _needs_converting(self, track: Track) -> bool:
        if track.codec not in CARRIED:
            return True
        if track.kind is Kind.VIDEO and self.only is not None:
            return True
        if track.kind is Kind.AUDIO or not self._stream.meters[track.id].b_frames:
            return False
        if self._b_frames == "drop":  # of a b-pyramid next to nothing would be left
            return self._forward.spoils and self._convert is not None
        return True

    def _may_convert(self, track: Track) -> bool:
        return track.kind is Kind.AUDIO or self._b_frames != "refuse"

    def _converted(self, id: int, packet: Packet) -> None:
        if id not in self._converters:
            return  # it is being closed
        if self._tracks.get(id) is not packet.track:
            self._tracks[id] = packet.track
            self.rtp.change_tracks(list(self._tracks.values()))
            self._awaited.discard(id)
            self._changed.set()
        self.rtp.write(packet)

    def _stop_converters(self) -> None:
        for id in list(self._converters):
            self._stop_converter(id)

    def _stop_converter(self, id: int) -> None:
        close_soon(self._converters.pop(id))
        self._awaited.discard(id)
        self._changed.set()
