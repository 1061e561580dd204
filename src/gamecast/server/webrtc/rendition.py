"""The RTP rendition: payloads once, headers once per variant, one seal and one send per viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track
from gamecast.packaging.rtp import Frame, JointFrames, RtpLine
from gamecast.relay.pace import Pace
from gamecast.relay.stream import Stream
from gamecast.server.webrtc.coalesce import FrameCoalescer, interval_for
from gamecast.server.webrtc.shedding import Shedding
from gamecast.server.webrtc.variant import Variant
from gamecast.server.webrtc.viewer import WhepViewer

VIDEO_SSRC = 0x47C0_0001
AUDIO_SSRC = 0x47C0_0002
RTX_SSRC = 0x47C0_0003
"""The same in every session: sessions are told apart by their keys, not by these."""

_CLOCK_RATES = {Kind.VIDEO: 90_000, Kind.AUDIO: 48_000}
_PACE_SECONDS = 0.005
_MOST_PACE_SECONDS = 0.05
"""What a busy loop makes up for at once."""
_PACE_BITRATE = 60_000_000
"""How fast a group is handed to a new viewer: a home router's buffer survives this."""
_PACE_FACTOR = 5
"""So many times its bit rate for a stream that is heavier, or it would hardly be caught up with."""
_BURST_BYTES = 64 * 1024
"""Larger frames are paced too."""
_LIVE_FACTOR = 2
"""But faster, for all that is behind a keyframe waits for it, and there is less of it than of a
group: a buffer on the way takes it."""
_RECENT_SOUND = 2
"""Audio frames of the group that a new viewer gets."""
_REPORT_SECONDS = 1.0
_REPORT_SLICES = 20
"""Reports are spread over about so many frames."""
_KEYFRAME_SECONDS = 1.0


class RtpRendition:
    """Frames of the current group, and the viewers who get them."""

    def __init__(
        self, stream: Stream, tracks: Sequence[Track], packets: Sequence[Packet], *, pace: Pace
    ) -> None:
        """``tracks`` and ``packets`` are what RTP can carry: H.264 without B-frames, Opus …"""
        self._stream = stream
        self._flush_pace = pace
        self._coalescer = FrameCoalescer()
        self._shedding = Shedding()
        self._loop = asyncio.get_running_loop()
        self._viewers: dict[WhepViewer, None] = {}
        self._pacing: dict[WhepViewer, None] = {}
        self._pacer: asyncio.Handle | None = None
        self._paced_at = 0.0
        self._group: list[Frame] = []
        self._bitrate = 0
        self._base: float | None = None
        self._reported = 0.0
        self._to_report: list[WhepViewer] = []
        self._keyframe_asked = 0.0
        self._known: dict[Kind, RtpLine] = {}
        """Of tracks that are away too: when one comes back its line goes on."""
        self.lines: dict[Kind, RtpLine] = {}
        self.change_tracks(tracks)
        for packet in packets:
            self.write(packet)

    # Rendition ----------------------------------------------------------------------------------

    def write(self, packet: Packet) -> None:
        """One packet: to payloads once, then to every viewer."""
        line = self.lines.get(packet.track.kind)
        if line is None:
            return
        try:
            frame = line.write(packet)
        except MediaError:
            return  # a frame that RTP cannot carry (an empty access unit); the next one can
        if frame is None:
            return
        self._base = frame.wall - packet.dts / packet.track.clock_rate
        if frame.starts_group or (Kind.VIDEO not in self.lines and len(self._group) > 50):
            self._bitrate = _bitrate(self._group, frame.wall)
            self._group = []
        if self._group or frame.starts_group or Kind.VIDEO not in self.lines:
            self._group.append(frame)
        if self._viewers:
            interval = interval_for(self._flush_pace, len(self._viewers))
            for ready in self._coalescer.take(frame, now=self._loop.time(), interval=interval):
                self._distribute(ready)

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """Go on with these tracks; a line keeps its numbers, also while its track is away."""
        self.lines = {track.kind: self._line(track) for track in tracks}

    def _line(self, track: Track) -> RtpLine:
        kind = track.kind
        line = self._known.get(kind)
        if line is None:
            ssrc = VIDEO_SSRC if kind is Kind.VIDEO else AUDIO_SSRC
            line = self._known[kind] = RtpLine(track, ssrc, clock_rate=_CLOCK_RATES[kind])
            return line
        if line.track.codec is not track.codec:
            self.dismiss("the codec of the stream has changed")
        line.change_track(track)
        return line

    def resume(self) -> None:
        """Timestamps and sequences simply go on."""
        self._shedding.reset()

    def finish(self, reason: str) -> None:
        """End every session."""
        if self._pacer is not None:
            self._pacer.cancel()
        for viewer in list(self._viewers):
            viewer.end(reason)

    def dismiss(self, reason: str) -> None:
        """End the sessions that there are, for what they agreed on is no more; players ask anew.

        Not at once: the stream is about to go on with its next rendition.
        """
        for viewer in self._viewers:
            self._loop.call_soon(viewer.end, reason)

    def tick(self, now: float) -> None:
        """Sender reports; and nothing is held back for long where no more frames come."""
        self._flush()
        self._report(now)

    def audience(self) -> dict[str, int]:
        """Viewers that are connected."""
        return {"whep": len(self._viewers)} if self._viewers else {}

    @property
    def unwatched(self) -> bool:
        """No viewer is left."""
        return not self._viewers

    @property
    def viewers(self) -> list[WhepViewer]:
        """The connected viewers."""
        return list(self._viewers)

    # Viewers ------------------------------------------------------------------------------------

    def join(self, viewer: WhepViewer) -> None:
        """A connected viewer: the current group at the pace, then live."""
        self._flush()  # what is held back is in the group, which the newcomer gets
        self._viewers[viewer] = None
        # Sound of the past would only fill the player's buffer: it cannot be skipped like pictures.
        for frame in [frame for frame in self._group if not frame.is_video][-_RECENT_SOUND:]:
            viewer.send(frame)
        viewer.queue.extend(frame for frame in self._group if frame.is_video)
        viewer.is_behind = True
        self._report_to(viewer)
        self._pace(viewer)

    def leave(self, viewer: WhepViewer) -> None:
        """Send it no more."""
        self._viewers.pop(viewer, None)
        self._pacing.pop(viewer, None)
        if viewer in self._to_report:
            self._to_report.remove(viewer)
        viewer.queue.clear()
        viewer.parts.clear()
        viewer.repeats.clear()

    def want_keyframe(self, viewer: WhepViewer) -> None:
        """A player cannot go on: the group again, as retransmissions; and ask the publisher."""
        now = self._loop.time()
        if now - self._keyframe_asked >= _KEYFRAME_SECONDS:
            self._keyframe_asked = now
            self._stream.request_keyframe()
        viewer.repeat_group(self._group, now)
        self._pace(viewer)

    # Inside -------------------------------------------------------------------------------------

    def _flush(self) -> None:
        for ready in self._coalescer.flush():
            self._distribute(ready)

    def _distribute(self, ready: Frame | JointFrames) -> None:
        if isinstance(ready, JointFrames):
            pictures, sounds = ready.pictures, ready.sounds
        else:
            pictures, sounds = ([ready], []) if ready.is_video else ([], [ready])
            if ready.starts_group:
                self._begin_group(ready)
        large = any(picture.size > _BURST_BYTES for picture in pictures)
        at_once: dict[Variant, list[WhepViewer]] = {}
        for viewer in self._viewers:
            if large or viewer.queue or viewer.is_held_back:
                self._hold(viewer, pictures, sounds)
            else:
                at_once.setdefault(viewer.variant, []).append(viewer)
        for variant, viewers in at_once.items():
            for batch in variant.batches(ready):  # the same size again and again: see net/udp.py
                for viewer in viewers:
                    viewer.send_batch(batch)
        if self._to_report:
            self._report_some()

    def _hold(self, viewer: WhepViewer, pictures: list[Frame], sounds: list[Frame]) -> None:
        for frame in sounds:  # must not wait behind pictures
            viewer.send(frame)
        viewer.queue.extend(viewer.allowed(pictures))
        self._pace(viewer)

    def _begin_group(self, keyframe: Frame) -> None:
        bitrate, now, shedding = self._bitrate, self._loop.time(), self._shedding
        shedding.begin_group(offset=self._base or 0.0, load=self._flush_pace.load)
        for number, viewer in enumerate(self._viewers):
            viewer.begin_group(keyframe, bitrate, now)
            if shedding.share and not shedding.spares(number):
                viewer.go_without()

    def _pace(self, viewer: WhepViewer) -> None:
        if viewer.waits:
            self._pacing[viewer] = None
            if self._pacer is None:
                self._paced_at = self._loop.time() - _PACE_SECONDS
                self._pacer = self._loop.call_soon(self._paced)

    def _paced(self) -> None:
        """Every 5 ms while somebody's queue has pictures: its share of the pace for each."""
        now, wall = self._loop.time(), self._stream.clocks.wall()
        seconds = min(now - self._paced_at, _MOST_PACE_SECONDS)
        self._pacer, self._paced_at = None, now
        for viewer in list(self._pacing):
            if viewer.socket.backlog() > _BURST_BYTES:
                continue  # a connection that is slower than the pace sets its own
            self._send_share(viewer, seconds, now, wall)
            if not viewer.waits:
                viewer.is_behind = False
                del self._pacing[viewer]
        if self._pacing:
            self._pacer = self._loop.call_at(now + _PACE_SECONDS, self._paced)

    def _send_share(self, viewer: WhepViewer, seconds: float, now: float, wall: float) -> None:
        share = (viewer.pace or self._pace_of(viewer)) * seconds
        viewer.credit = min(share, viewer.credit + share)
        while viewer.repeats and viewer.credit > 0:
            viewer.credit -= viewer.resend(*viewer.repeats.popleft(), now=now, wall=wall)
        while (viewer.queue or viewer.parts) and viewer.credit > 0:
            viewer.credit -= viewer.send_next()

    def _pace_of(self, viewer: WhepViewer) -> float:
        """Bytes per second, where the viewer's network is not known to take less."""
        pace = max(_PACE_BITRATE, _PACE_FACTOR * self._bitrate) / 8
        return pace if viewer.is_behind or viewer.repeats else pace * _LIVE_FACTOR

    def _report(self, now: float) -> None:
        if now - self._reported < _REPORT_SECONDS * 0.9:
            return
        self._reported = now
        for viewer in self._to_report:  # no frame has come since
            self._report_to(viewer)
        self._to_report = list(self._viewers)

    def _report_some(self) -> None:
        """A few after each frame: all at once would hold up the frame behind them."""
        for _ in range(min(len(self._to_report), 1 + len(self._viewers) // _REPORT_SLICES)):
            self._report_to(self._to_report.pop())

    def _report_to(self, viewer: WhepViewer) -> None:
        if self._base is None:
            return
        wall = self._stream.clocks.wall()
        lines = [(line, int((wall - self._base) * line.clock_rate)) for line in self.lines.values()]
        viewer.send_reports(lines, wall)


def _bitrate(group: list[Frame], end: float) -> int:
    """Bits per second of a group that ended at ``end``; 0 if it cannot be told.

    The publisher's may be another: of a constant bitrate a re-encode keeps what the picture needs,
    and estimates of viewers grow no higher than a little above what they are sent.
    """
    seconds = end - group[0].wall if group else 0.0
    return int(sum(frame.size for frame in group) * 8 / seconds) if seconds > 0 else 0
