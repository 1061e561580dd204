"""Fragmenter: packets of several tracks to CMAF fragments (moof + mdat), exact to the tick."""

from __future__ import annotations

from collections.abc import Sequence

from gamecast.media.containers import fmp4
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track


class _TrackBuffer:
    """Samples of one track since the last fragment.

    A video frame's duration is known when the next frame arrives, so one frame is held; an audio
    frame's is its number of samples.
    """

    def __init__(self, track_id: int, track: Track) -> None:
        self.track_id = track_id
        self.samples: list[fmp4.Sample] = []
        self.base = 0
        self.last_duration = track.samples_per_frame or self._nominal(track)
        self._held: Packet | None = None
        self._known = track.samples_per_frame if track.kind is Kind.AUDIO else 0

    @staticmethod
    def _nominal(track: Track) -> int:
        return int(track.clock_rate / track.fps) if track.fps else track.clock_rate // 30

    def complete(self, dts: int) -> None:
        """The track goes on at ``dts``: the held frame lasts until then."""
        if self._held is not None:
            self.last_duration = max(0, dts - self._held.dts)
            self._append(self._held, self.last_duration)
            self._held = None

    def write(self, packet: Packet) -> None:
        self.complete(packet.dts)
        if self._known:
            self._append(packet, self._known)
        else:
            self._held = packet

    def drain(self) -> None:
        if self._held is not None:
            self.complete(self._held.dts + self.last_duration)

    def take(self) -> fmp4.TrackRun | None:
        if not self.samples:
            return None
        run = fmp4.TrackRun(self.track_id, self.base, self.samples)
        self.samples = []
        return run

    def _append(self, packet: Packet, duration: int) -> None:
        if not self.samples:
            self.base = packet.dts
        self.samples.append(
            fmp4.Sample(duration, packet.data, packet.keyframe, packet.pts - packet.dts)
        )


class Fragmenter:
    """Collects samples and gives them out as fragments when its owner says so."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._buffers = {t.id: _TrackBuffer(n + 1, t) for n, t in enumerate(tracks)}
        self._video = [self._buffers[track.id] for track in tracks if track.kind is Kind.VIDEO]
        self._sequence = 0

    def complete(self, packet: Packet) -> None:
        """Tell the track of ``packet`` where its held frame ends, without adding ``packet`` yet."""
        self._buffers[packet.track.id].complete(packet.dts)

    def write(self, packet: Packet) -> None:
        """Add a packet to the fragment being collected."""
        self._buffers[packet.track.id].write(packet)

    def drain(self) -> None:
        """Release held frames, with the duration of the frame before each."""
        for buffer in self._buffers.values():
            buffer.drain()

    def fragment(self) -> tuple[bytes, bool]:
        """What has been collected, and whether decoding can start with it. Empty: no samples."""
        independent = not self._video or any(
            bool(buffer.samples) and buffer.samples[0].keyframe for buffer in self._video
        )
        runs = [run for buffer in self._buffers.values() if (run := buffer.take()) is not None]
        if not runs:
            return b"", False
        self._sequence += 1
        return fmp4.fragment(self._sequence, runs), independent
