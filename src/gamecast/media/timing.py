"""Timing: from a peer's wrapping, jumping, rounded stamps to exact and monotone ticks.

The way of a stamp: ``Unwrapper`` (bits of the wire to an endless integer), ``Continuity`` (jumps
of the peer's clock taken out, sound and picture kept together), a retimer (milliseconds to
ticks of the track), and in the stream ``Timeline`` (one publisher session after another).

All arithmetic is on integers, so nothing drifts however long a stream lasts.
"""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.packet import Packet
from gamecast.media.track import Track

_MILLISECONDS = 1000
_RESUME_MS = 20
"""Distance at which a new epoch follows the last packet: about one frame."""


class Unwrapper:
    """Makes endless integers of stamps that wrap at ``bits`` (32 RTMP, 33 MPEG-TS, 31 FLV).

    The stamp nearest to the last one is meant, forwards or backwards, so a late packet from
    before the wrap is put before it. The first stamp is returned as it is; one that precedes
    it across the boundary comes out negative.
    """

    __slots__ = ("_half", "_last", "_mask")

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self._last: int | None = None

    def unwrap(self, stamp: int) -> int:
        """Return ``stamp`` (its low bits are used) on the endless line."""
        if self._last is None:
            self._last = stamp & self._mask
        else:
            delta = (stamp - self._last) & self._mask
            self._last += delta if delta < self._half else delta - self._mask - 1
        return self._last


class Continuity:
    """The discontinuity rule for the tracks of one session, which share the peer's clock.

    A stamp that goes back by at most 1 s or forward by at most 10 s from its track's furthest
    is taken as it is (the retimer keeps the output monotone). Any other is a jump. If another
    track is near it, this track follows that one's epoch: a track that was silent for a minute
    keeps its gap, and after a jump of both the second one joins the first, so that they stay
    aligned. Otherwise a new epoch begins just behind everything that was put out so far.
    """

    __slots__ = ("_back", "_end", "_forward", "_resume", "_tracks", "jumps")

    def __init__(self, rate: int = _MILLISECONDS) -> None:
        """``rate``: ticks per second of the stamps."""
        self._back = rate
        self._forward = 10 * rate
        self._resume = rate * _RESUME_MS // _MILLISECONDS
        self._tracks: dict[int, tuple[int, int]] = {}
        self._end = 0
        self.jumps = 0
        """Epochs begun so far, beyond the first: worth a line in the log when it rises."""

    def place(self, track_id: int, stamp: int) -> int:
        """Return an unwrapped ``stamp`` of one track on the session's continuous line."""
        known = self._tracks.get(track_id)
        if known is None:
            offset = self._join(stamp)
        else:
            furthest, offset = known
            if -self._back <= stamp - furthest <= self._forward:
                if stamp <= furthest:
                    return stamp + offset
            else:
                offset = self._jump(track_id, stamp)
        self._tracks[track_id] = (stamp, offset)
        placed = stamp + offset
        self._end = max(self._end, placed)
        return placed

    def _join(self, stamp: int) -> int:
        """Offset for the first stamp of a track: tracks may start 10 s apart either way."""
        if not self._tracks:
            return 0
        near = self._nearest(stamp, exclude=None)
        if abs(stamp - near[0]) <= self._forward:
            return near[1]
        self.jumps += 1
        return self._end - stamp

    def _jump(self, track_id: int, stamp: int) -> int:
        if len(self._tracks) > 1:
            near = self._nearest(stamp, exclude=track_id)
            if -self._back <= stamp - near[0] <= self._forward:
                return near[1]
        self.jumps += 1
        return self._end + self._resume - stamp

    def _nearest(self, stamp: int, *, exclude: int | None) -> tuple[int, int]:
        others = [state for id, state in self._tracks.items() if id != exclude]
        return min(others, key=lambda state: abs(stamp - state[0]))


_TICKS_PER_MS = 90
_MAX_SHIFT_MS = 250
_MAX_COMPOSITION_MS = 10_000


class _VideoLine:
    """Milliseconds to 90 kHz for one video track."""

    __slots__ = ("_last", "_shift")

    def __init__(self) -> None:
        self._last: int | None = None
        self._shift = 0

    def place(self, stamp: int, composition: int) -> tuple[int, int]:
        """Return dts and pts; dts rises by at least one tick, pts is never before it.

        An encoder that writes negative composition times has its pictures shifted by the
        largest (up to 250 ms) from then on, which keeps their order and distances.
        """
        dts = stamp * _TICKS_PER_MS
        if composition < -self._shift:
            self._shift = min(-composition, _MAX_SHIFT_MS)
        pts = dts + (min(composition, _MAX_COMPOSITION_MS) + self._shift) * _TICKS_PER_MS
        if self._last is not None and dts <= self._last:
            dts = self._last + 1
        self._last = dts
        return dts, max(pts, dts)


_JITTER_MS = 20
_REANCHOR_MS = 60
_REANCHOR_FRAMES = 3


class _AudioLine:
    """Milliseconds to samples for one audio track: counts samples, watches the stamps.

    Up to 20 ms of departure are the stamps' rounding and jitter and change nothing. Beyond, the
    count is nudged by one sample per frame, which nobody hears and which follows a sound card
    whose clock drifts. Beyond 60 ms (or three frames) ahead, the stamps are right: sound was
    lost, and a gap is left. That far behind, frames are shortened by an eighth until the line
    is back on the stamps, for time may not run backwards.
    """

    __slots__ = ("_jitter", "_last", "_next", "_samples", "_stamp_rate", "rate")

    def __init__(self, rate: int, start: int | None, stamp_rate: int = _MILLISECONDS) -> None:
        """``stamp_rate``: ticks per second of the stamps that ``place`` is given."""
        self.rate = rate
        self._stamp_rate = stamp_rate
        self._jitter = rate * _JITTER_MS // _MILLISECONDS
        self._next = start
        self._samples = 0
        self._last = -1 if start is None else start - 1

    def place(self, stamp: int, samples: int) -> int:
        target = (stamp * self.rate + self._stamp_rate // 2) // self._stamp_rate
        dts = target if self._next is None else self._follow(target, self._next)
        if self._next is not None:
            dts = max(dts, self._last + 1)
        self._last = dts
        self._next = dts + samples
        self._samples = samples
        return dts

    def _follow(self, target: int, expected: int) -> int:
        if not self._samples:  # the codec does not say how long a frame is
            return target
        error = target - expected
        if -self._jitter <= error <= self._jitter:
            return expected
        bound = max(self.rate * _REANCHOR_MS // _MILLISECONDS, _REANCHOR_FRAMES * self._samples)
        if error > bound:
            return target
        if error < -bound:
            return expected - self._samples // 8
        return expected + (1 if error > 0 else -1)

    @property
    def end(self) -> int:
        """Where the next frame is due, in samples."""
        return self._next or 0


class MillisecondRetimer:
    """All tracks of one publisher whose stamps are wrapping milliseconds (RTMP, FLV).

    Give it every packet in the order of arrival. Output is in ticks of the track's clock rate,
    strictly monotone in dts per track, exact (video: 90 ticks per millisecond; audio: counted
    samples), with sound and picture aligned as the peer's stamps are.
    """

    __slots__ = ("_audio", "_continuity", "_unwrapper", "_video")

    def __init__(self, bits: int = 32) -> None:
        self._unwrapper = Unwrapper(bits)
        self._continuity = Continuity(_MILLISECONDS)
        self._video: dict[int, _VideoLine] = {}
        self._audio: dict[int, _AudioLine] = {}

    @property
    def jumps(self) -> int:
        """Discontinuities of the peer's clock so far."""
        return self._continuity.jumps

    def video(self, track: Track, stamp: int, composition: int = 0) -> tuple[int, int]:
        """Return ``(dts, pts)`` for a decoding stamp and composition time in milliseconds."""
        line = self._video.get(track.id)
        if line is None:
            line = self._video[track.id] = _VideoLine()
        placed = self._continuity.place(track.id, self._unwrapper.unwrap(stamp))
        return line.place(placed, composition)

    def audio(self, track: Track, stamp: int, samples: int) -> int:
        """Return the dts (which is the pts) of a frame stamped in milliseconds.

        ``samples``: how long it lasts (``gamecast.media.codecs.packet_samples``), 0 for unknown.
        """
        line = self._audio.get(track.id)
        if line is None or line.rate != track.clock_rate:
            line = self._audio[track.id] = _next_line(line, track.clock_rate, _MILLISECONDS)
        placed = self._continuity.place(track.id, self._unwrapper.unwrap(stamp))
        return line.place(placed, samples)


def _next_line(old: _AudioLine | None, rate: int, stamp_rate: int) -> _AudioLine:
    """A changed sample rate goes on where the old one ended, rounded up."""
    start = None if old is None else -(-old.end * rate // old.rate)
    return _AudioLine(rate, start, stamp_rate)


_TICKS = 90_000
_MAX_COMPOSITION = 10 * _TICKS


class TickRetimer:
    """All tracks of one publisher whose stamps are 90 kHz ticks that wrap (MPEG-TS, PES).

    As ``MillisecondRetimer``; video stamps are ticks of the track already, so only jumps are
    taken out and the order is kept.
    """

    __slots__ = ("_audio", "_continuity", "_mask", "_unwrapper", "_video")

    def __init__(self, bits: int = 33) -> None:
        self._mask = (1 << bits) - 1
        self._unwrapper = Unwrapper(bits)
        self._continuity = Continuity(_TICKS)
        self._video: dict[int, int] = {}
        self._audio: dict[int, _AudioLine] = {}

    @property
    def jumps(self) -> int:
        """Discontinuities of the peer's clock so far."""
        return self._continuity.jumps

    def video(self, track: Track, pts: int, dts: int) -> tuple[int, int]:
        """Return ``(dts, pts)``; dts rises by at least one tick and pts is never before it."""
        composition = (pts - dts) & self._mask
        if composition > _MAX_COMPOSITION:
            composition = 0
        placed = self._continuity.place(track.id, self._unwrapper.unwrap(dts))
        last = self._video.get(track.id)
        after = placed if last is None else max(placed, last + 1)
        self._video[track.id] = after
        return after, max(placed + composition, after)

    def audio(self, track: Track, stamp: int, samples: int) -> int:
        """Return the dts (which is the pts) of a frame; ``samples``: how long it lasts or 0."""
        line = self._audio.get(track.id)
        if line is None or line.rate != track.clock_rate:
            line = self._audio[track.id] = _next_line(line, track.clock_rate, _TICKS)
        placed = self._continuity.place(track.id, self._unwrapper.unwrap(stamp))
        return line.place(placed, samples)


_GRID = 25
"""Offsets are multiples of 1/25 s: whole ticks at 90 kHz and at every usual sample rate."""
_MIN_GAP_GRID = 5
"""200 ms: room for a session's sound that is stamped a little before its first picture."""


@dataclass(slots=True)
class _Placed:
    dts: int
    clock_rate: int


class Timeline:
    """One stream's timeline, on which publisher sessions follow one another.

    The first packet of the stream is put at ``start`` seconds. After ``begin_session`` the next
    packet is put behind the end of what was there, as far as the publisher was away, and all
    tracks of the session move by the same number of seconds. On output dts rises strictly per
    track and is never negative, and pts is not before dts.
    """

    __slots__ = ("_gap", "_offset", "_start", "_tracks")

    def __init__(self, start: int = 1) -> None:
        """``start``: whole seconds; not 0, for sound may be stamped before the first picture."""
        self._start = start * _GRID
        self._offset: int | None = None
        self._gap = _MIN_GAP_GRID
        self._tracks: dict[int, _Placed] = {}

    def begin_session(self, gap: float = 0.0) -> None:
        """Say that the next packet is the first of another publisher session.

        ``gap``: seconds since the last packet of the session before, by a monotonic clock; at
        least 0.2 s are left free.
        """
        self._offset = None
        self._gap = max(int(max(gap, 0.0) * _GRID + 0.5), _MIN_GAP_GRID)

    def write(self, packet: Packet) -> None:
        """Move a packet of the present session onto the stream's timeline, in place."""
        track = packet.track
        rate = track.clock_rate
        if self._offset is None:
            self._offset = self._next_start() - packet.dts * _GRID // rate
        ticks = self._offset * rate // _GRID
        dts, pts = packet.dts + ticks, packet.pts + ticks
        placed = self._tracks.get(track.id)
        if placed is None or placed.clock_rate != rate:
            least = self._least(placed, rate)
            placed = self._tracks[track.id] = _Placed(0, rate)
        else:
            least = placed.dts + 1
        if dts < least:
            dts = least
        placed.dts = dts
        packet.dts = dts
        packet.pts = pts if pts > dts else dts

    @staticmethod
    def _least(placed: _Placed | None, rate: int) -> int:
        return 0 if placed is None else placed.dts * rate // placed.clock_rate + 1

    def _next_start(self) -> int:
        """Where the next session begins, in grid units."""
        if not self._tracks:
            return self._start
        ends = [-(-placed.dts * _GRID // placed.clock_rate) for placed in self._tracks.values()]
        return max(ends) + self._gap
