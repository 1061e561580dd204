"""Controls: what can be done to a push while it runs, by name; ``gamecast ctl`` calls them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gamecast.client.capture.sound.mixer import Channel
from gamecast.client.push.recording import FileDestination
from gamecast.client.push.replay import ReplayError
from gamecast.client.push.stats import State
from gamecast.client.push.target import FileTarget, TargetError, parse_target
from gamecast.client.session import PushSession

MIN_BITRATE = 50_000
OPEN_WAIT = 5.0
"""Seconds in which a recording's file has to be open."""


class ControlError(Exception):
    """The command cannot be carried out; one clear line."""


class Controls:
    """The commands of one push; from any thread, one after the other."""

    def __init__(
        self,
        session: PushSession,
        *,
        channels: Sequence[Channel] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._channels = {channel.name: channel for channel in channels}
        self._clock = clock
        self._recording: FileDestination | None = None
        self._lock = threading.Lock()
        self._commands: dict[str, Callable[..., dict[str, Any]]] = {
            "status": self.status,
            "stop": self.stop,
            "keyframe": self.keyframe,
            "bitrate": self.bitrate,
            "mute": self.mute,
            "unmute": self.unmute,
            "toggle": self.toggle,
            "record": self.record,
            "replay": self.replay,
        }

    def carry_out(self, command: str, arguments: Sequence[str]) -> dict[str, Any]:
        """Carry out one command; raises ``ControlError``."""
        function = self._commands.get(command)
        if function is None:
            raise ControlError(f"no command {command!r}: {', '.join(self._commands)}")
        try:
            with self._lock:
                return function(*arguments)
        except TypeError:
            raise ControlError(f"{command}: wrong number of arguments") from None

    def status(self) -> dict[str, Any]:
        """Counters and states as they are now."""
        recording = self._recording
        return {
            "seconds": round(self._session.elapsed(), 1),
            "encode": asdict(self._session.encode_stats),
            "destinations": [asdict(each.stats) for each in self._session.destinations],
            "channels": [asdict(channel) for channel in self._channels.values()],
            "recording": recording.stats.name if recording is not None else None,
            "replay_seconds": self._session.ring.seconds if self._session.ring else None,
        }

    def stop(self) -> dict[str, Any]:
        """End the push."""
        self._session.stop()
        return {}

    def keyframe(self) -> dict[str, Any]:
        """Make the next picture a keyframe."""
        self._session.request_keyframe()
        return {}

    def bitrate(self, bits_per_second: str) -> dict[str, Any]:
        """Change the pictures' bitrate; never above what the push began with."""
        most = self._session.full_bitrate
        wanted = int(bits_per_second) if bits_per_second.isdecimal() else 0
        if not MIN_BITRATE <= wanted <= most:
            raise ControlError(f"the bitrate must be from {MIN_BITRATE} to {most} bits per second")
        self._session.change_bitrate(wanted)
        return {"bitrate": wanted}

    def mute(self, name: str = "mic") -> dict[str, Any]:
        """Silence one input of the mixer."""
        return self._set_muted(name, lambda _: True)

    def unmute(self, name: str = "mic") -> dict[str, Any]:
        """Let it be heard again."""
        return self._set_muted(name, lambda _: False)

    def toggle(self, name: str = "mic") -> dict[str, Any]:
        """The other of the two: what a push-to-talk key wants."""
        return self._set_muted(name, lambda muted: not muted)

    def _set_muted(self, name: str, change: Callable[[bool], bool]) -> dict[str, Any]:
        channel = self._channels.get(name)
        if channel is None:
            there = ", ".join(self._channels) or "none"
            raise ControlError(f"no sound input {name!r} in this push; there are: {there}")
        channel.muted = change(channel.muted)
        return {"input": name, "muted": channel.muted}

    def record(self, action: str, path: str = "") -> dict[str, Any]:
        """``start [PATH]``, ``stop`` or ``toggle`` a recording beside the push."""
        if action == "toggle":
            action = "stop" if self._recording is not None else "start"
        if action == "start":
            return self._start_recording(path or self._named("recording"))
        if action == "stop":
            return self._stop_recording()
        raise ControlError("record start [PATH], record stop, or record toggle")

    def _start_recording(self, path: str) -> dict[str, Any]:
        if self._recording is not None and self._recording.stats.state is State.LIVE:
            raise ControlError(f"already recording to {self._recording.stats.name}")
        try:
            target = parse_target(path, {})
        except TargetError as error:
            raise ControlError(str(error)) from None
        if not isinstance(target, FileTarget):
            raise ControlError("a recording goes to a file")
        recording = self._session.add_recording(target)
        end = time.monotonic() + OPEN_WAIT
        while recording.stats.state is State.WAITING and time.monotonic() < end:
            time.sleep(0.01)
        if recording.stats.state is not State.LIVE:
            self._session.end_recording(recording)
            raise ControlError(recording.stats.problem or f"{path} does not open")
        self._recording = recording
        return {"path": str(target.path.absolute())}

    def _stop_recording(self) -> dict[str, Any]:
        recording, self._recording = self._recording, None
        if recording is None:
            raise ControlError("nothing is being recorded")
        self._session.end_recording(recording)
        if not recording.stats.served_to_end:
            raise ControlError(recording.stats.problem or "the recording did not end well")
        return {"path": str(Path(recording.stats.name).absolute())}

    def replay(self, path: str = "") -> dict[str, Any]:
        """Save the last seconds."""
        ring = self._session.ring
        if ring is None:
            raise ControlError("this push keeps no replay: start it with --replay SECONDS")
        where = Path(path or self._named("replay"))
        if where.suffix.lower() not in (".mp4", ".m4v"):
            raise ControlError(f"{where}: a replay is an .mp4 file")
        try:
            seconds = ring.save(where, self._session.replay_tracks)
        except ReplayError as error:
            raise ControlError(str(error)) from None
        return {"path": str(where.absolute()), "seconds": round(seconds, 2)}

    def close(self) -> None:
        """The push is over: close a recording that still runs."""
        if self._recording is not None:
            self._session.end_recording(self._recording)
            self._recording = None

    def _named(self, what: str) -> str:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._clock()))
        return f"{what}-{stamp}.mp4"
