"""PushSession: sources, encoders and destinations of one ``gamecast push``, joined and timed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import av

from gamecast import __version__
from gamecast.client.capture.sound.mixer import Mixer
from gamecast.client.capture.source import Source, Timeline
from gamecast.client.encode.audio import FIRST_STEM, AudioEncoder
from gamecast.client.encode.opening import PictureEncoder
from gamecast.client.encode.worker import AudioWorker, VideoWorker
from gamecast.client.push.adapt import adapt
from gamecast.client.push.congestion import BitrateController
from gamecast.client.push.destination import Destination, Metadata
from gamecast.client.push.hub import Hub
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.recording import FileDestination
from gamecast.client.push.registry import make_destination
from gamecast.client.push.replay import ReplayRing
from gamecast.client.push.routing import chosen_tracks, only
from gamecast.client.push.stats import DestinationStats, EncodeStats, State
from gamecast.client.push.target import FileTarget, Target
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track

SETTLE = 10.0
"""Seconds to wait for the first connections before the source starts without them."""
FINISH = 5.0
"""Seconds that a destination gets at the end to send what waits."""
OVER = (State.FAILED, State.ENDED)


@dataclass(slots=True)
class Outcome:
    """How a push ended."""

    seconds: float
    problem: str = ""
    """What ended it, if not the end of the source, the duration or the user."""
    failed: list[str] = field(default_factory=list)
    """One line for each destination that was not served to the end."""

    @property
    def ok(self) -> bool:
        """Whether all destinations were served to the end."""
        return not self.problem and not self.failed


class PushSession:
    """Give it opened sources and encoders, then ``run``; ``stop`` from any thread."""

    def __init__(
        self,
        *,
        sources: Sequence[Source],
        video: PictureEncoder | None,
        audio: Sequence[AudioEncoder] = (),
        targets: Sequence[Target],
        keep_trying: bool = False,
        dynamic_bitrate: bool | None = None,
        replay: float | None = None,
    ) -> None:
        """``audio``: one encoder per codec that the destinations want of the same sound, and
        those with track ids from ``FIRST_STEM`` on for the mixer's inputs, for recordings.

        ``dynamic_bitrate``: adapt the encoder to the uplink; by default with one URL only,
        for one slow platform must not cost the others quality. ``replay``: seconds to keep.
        """
        self.encode_stats = EncodeStats(target_bitrate=video.bitrate if video else 0)
        self._sources = sources
        self._changed = threading.Condition()
        self._stopping = False
        self._problem = ""
        self._running = len(sources)
        self._network = NetworkThread()
        self.destinations: list[Destination] = [
            make_destination(
                target,
                self._network,
                on_change=self._destination_changed,
                on_keyframe=self.request_keyframe,
                keep_trying=keep_trying,
            )
            for target in targets
        ]
        stems = [encoder for encoder in audio if encoder.track.id >= FIRST_STEM]
        audio = [encoder for encoder in audio if encoder.track.id < FIRST_STEM]
        self._stem_tracks = [encoder.track for encoder in stems]
        self.tracks = self._collect_tracks(video, audio) + self._stem_tracks
        self._targets = list(targets)
        self._other_bitrate = audio[0].settings.bitrate if audio else 0
        self._metadata = _metadata(video, audio)
        has_video = any(track.kind is Kind.VIDEO for track in self.tracks)
        self.ring = ReplayRing(replay, has_video=has_video) if replay else None
        outputs = [
            only(self.tracks_for(target), of=self.tracks, write=output.write)
            for target, output in zip(targets, self.destinations, strict=True)
        ]
        if self.ring is not None:
            outputs.append(only(self.replay_tracks, of=self.tracks, write=self.ring.write))
        self._hub = Hub(outputs, has_video=has_video)
        self._controller: BitrateController | None = None
        self.full_bitrate = self.encode_stats.target_bitrate
        """What the encoder was opened for; it cannot go above."""
        stats, fail, write = self.encode_stats, self.fail, self._hub.write
        source_fps = next((each.video_format.fps for each in sources if each.video_format), None)
        self._video = (
            VideoWorker(video, write, stats=stats, fail=fail, source_fps=source_fps)
            if video
            else None
        )
        self._audio = AudioWorker(audio, write, stats=stats, fail=fail) if audio else None
        self._stems = [
            AudioWorker([encoder], write, stats=stats, fail=fail, measured=False)
            for encoder in stems
        ]
        for mixer in (each for each in sources if isinstance(each, Mixer) and stems):
            mixer.on_stem = self._stem
        self._live: set[int] = set()
        self._recordings: dict[int, Callable[[Packet], None]] = {}
        self._adaptive = self._choose_adaptive(targets, wanted=dynamic_bitrate)
        self._started_at: float | None = None
        self._ended_at: float | None = None

    def _collect_tracks(
        self, video: PictureEncoder | None, audio: Sequence[AudioEncoder]
    ) -> list[Track]:
        encoded = [video.track] if video is not None else []
        encoded += [encoder.track for encoder in audio]
        return encoded + [track for source in self._sources for track in source.tracks]

    def _choose_adaptive(
        self, targets: Sequence[Target], *, wanted: bool | None
    ) -> Destination | None:
        """The destination whose uplink decides the bitrate, if any."""
        over_network = [
            destination
            for destination, target in zip(self.destinations, targets, strict=True)
            if not isinstance(target, FileTarget)
        ]
        if self._video is None or not over_network or wanted is False:
            return None
        return over_network[0] if wanted or len(over_network) == 1 else None

    def tracks_for(self, target: Target) -> list[Track]:
        """What a destination is given: the pictures, and the sound in a codec that it takes."""
        return chosen_tracks(target, self.tracks, self._stem_tracks)

    @property
    def replay_tracks(self) -> list[Track]:
        """What a replay holds."""
        return chosen_tracks(None, self.tracks, ())

    # From any thread ----------------------------------------------------------------------------

    def stop(self) -> None:
        """End the push in an orderly way."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def fail(self, problem: str) -> None:
        """End the push because of this."""
        with self._changed:
            self._problem = self._problem or problem
            self._changed.notify_all()

    def elapsed(self) -> float:
        """Seconds since the source started, until it was stopped."""
        if self._started_at is None:
            return 0.0
        return (self._ended_at or time.monotonic()) - self._started_at

    def request_keyframe(self) -> None:
        """Make the next picture a keyframe."""
        if self._started_at is not None and self._video is not None:
            self._video.request_keyframe()

    def change_bitrate(self, bitrate: int) -> None:
        """Encode at this bitrate; adapting to the uplink goes on from there."""
        if self._video is not None:
            self._video.change_bitrate(bitrate)
        if self._controller is not None:
            self._network.call(self._controller.set_original, bitrate)

    def add_recording(self, target: FileTarget) -> FileDestination:
        """Record from the next keyframe, which is made now, until ``end_recording``."""
        recording = FileDestination(target, on_change=self._destination_changed)
        tracks = self.tracks_for(target)
        recording.start(tracks, self._metadata)
        output = only(tracks, of=self.tracks, write=recording.write)
        self._recordings[id(recording)] = output
        self._hub.add(output)
        self.request_keyframe()
        return recording

    def end_recording(self, recording: FileDestination) -> None:
        """Close the file."""
        self._hub.remove(self._recordings.pop(id(recording)))
        recording.finish(FINISH)

    def _destination_changed(self) -> None:
        with self._changed:
            for number, destination in enumerate(self.destinations):
                live = destination.stats.state is State.LIVE
                if live and number not in self._live:
                    self._live.add(number)
                    # It starts with the next keyframe: make it now.
                    self.request_keyframe()
                elif not live:
                    self._live.discard(number)
            self._changed.notify_all()

    # Sink of the sources ------------------------------------------------------------------------

    def video(self, frame: av.VideoFrame) -> None:
        """A picture of a source."""
        if self._video is not None:
            self._video.put(frame)

    def audio(self, frame: av.AudioFrame) -> None:
        """Samples of a source."""
        if self._audio is not None:
            self._audio.put(frame)

    def _stem(self, number: int, frame: av.AudioFrame) -> None:
        self._stems[number].put(frame)

    def packet(self, packet: Packet) -> None:
        """A packet that is passed on as it is."""
        stats = self.encode_stats
        stats.frames_captured += packet.is_video
        stats.frames_encoded += packet.is_video
        stats.bytes_encoded += len(packet.data)
        self._hub.write(packet)

    def missed(self, frames: int) -> None:
        """Pictures that were not captured in time."""
        self.encode_stats.frames_missed += frames

    def ended(self, error: str | None) -> None:
        """A source is over."""
        with self._changed:
            self._running -= 1
            if error is not None:
                self._problem = self._problem or error
            self._changed.notify_all()

    # --------------------------------------------------------------------------------------------

    def run(
        self,
        *,
        duration: float | None = None,
        tick: Callable[[], None] | None = None,
        tick_every: float = 1.0,
    ) -> Outcome:
        """Push until the source's end, ``duration`` seconds, ``stop``, or a failure.

        ``tick`` is called from this thread every ``tick_every`` seconds to show how it goes.
        """
        for target, destination in zip(self._targets, self.destinations, strict=True):
            destination.start(self.tracks_for(target), self._metadata)
        if self._adaptive is not None and self._video is not None:
            self._controller = BitrateController(
                self.encode_stats.target_bitrate, other=self._other_bitrate
            )
            self._network.submit(
                adapt(self._adaptive.stats, self._controller, self._video.change_bitrate)
            )
        try:
            self._wait(SETTLE, tick, tick_every, until=self._settled)
            if not self._over():
                self._start_sources()
                self._wait(duration, tick, tick_every, until=self._over)
        finally:
            self._finish()
        return self._outcome()

    def _start_sources(self) -> None:
        timeline = Timeline.begin()
        self._started_at = time.monotonic()
        for worker in (self._video, self._audio, *self._stems):
            if worker is not None:
                worker.start()
        for source in self._sources:
            source.start(self, timeline)

    def _settled(self) -> bool:
        """Whether every destination is live or has failed once."""
        waiting = (State.WAITING, State.CONNECTING)
        return self._over() or all(
            destination.stats.state not in waiting for destination in self.destinations
        )

    def _over(self) -> bool:
        states = [destination.stats.state for destination in self.destinations]
        return (
            self._stopping
            or bool(self._problem)
            or self._running == 0
            or all(state in OVER for state in states)
        )

    def _wait(
        self,
        limit: float | None,
        tick: Callable[[], None] | None,
        tick_every: float,
        *,
        until: Callable[[], bool],
    ) -> None:
        end = time.monotonic() + limit if limit is not None else float("inf")
        next_tick = time.monotonic() + tick_every
        with self._changed:
            while not until() and (now := time.monotonic()) < end:
                if now >= next_tick:
                    next_tick = max(next_tick + tick_every, now)  # a late one delays no other
                    if tick is not None:
                        tick()
                self._changed.wait(max(0.0, min(end, next_tick) - time.monotonic()))

    def _finish(self) -> None:
        self._ended_at = time.monotonic()
        for source in self._sources:
            source.stop()
        if self._started_at is not None:
            for worker in (self._video, self._audio, *self._stems):
                if worker is not None:
                    worker.finish()
        self._hub.finish()
        finishing = [
            threading.Thread(target=destination.finish, args=(FINISH,), daemon=True)
            for destination in self.destinations
        ]
        for thread in finishing:
            thread.start()
        for thread in finishing:
            thread.join()
        self._network.close()

    def _outcome(self) -> Outcome:
        statistics = [destination.stats for destination in self.destinations]
        failed = [_failure(stats) for stats in statistics if not stats.served_to_end]
        return Outcome(self.elapsed(), self._problem, failed)


def _failure(stats: DestinationStats) -> str:
    """One line that names the destination once."""
    problem = stats.problem or "not served to the end"
    return problem if stats.name in problem else f"{stats.name}: {problem}"


def _metadata(video: PictureEncoder | None, audio: Sequence[AudioEncoder]) -> Metadata:
    """What platforms like to be told beside the tracks."""
    metadata: dict[str, str | float] = {"encoder": f"Gamecast {__version__}"}
    if video is not None:
        metadata["videodatarate"] = video.bitrate / 1000
    if audio:
        metadata["audiodatarate"] = audio[0].settings.bitrate / 1000
    return metadata
