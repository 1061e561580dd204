"""The worker process: ``python -m gamecast.transcode.worker audio`` (or ``video``).

Reads messages from standard input, writes messages to standard output, does one thing at a time,
and ends when its input does. Nothing that happens here hurts the server: a line that cannot go on
is given up with a reason, and if the decoder takes the whole process along another one is started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.transcode import wire
from gamecast.transcode.audio_line import AudioLine
from gamecast.transcode.recipes import AudioRecipe
from gamecast.transcode.video_line import VideoLine
from gamecast.transcode.wire import Message, MessageKind, MessageReader, WireError

_READ_BYTES = 1 << 18
_PIPE_BYTES = 1 << 20
_VIDEO_NICENESS = 5
_LONGEST_SECONDS = 20
"""For one message; a decoder that is still at it has been caught in a loop."""
_AUDIO_MEMORY = 2 << 30
_VIDEO_MEMORY = 8 << 30
_OPEN_FILES = 256


class LineOutput:
    """Where one line's results go."""

    def __init__(self, line: int, replies: list[bytes]) -> None:
        self._line = line
        self._replies = replies

    def write_track(self, track: Track) -> None:
        """The packets from here on are of this track."""
        body = wire.build_track(track)
        self._replies.append(wire.build_message(MessageKind.TRACK, self._line, body))

    def write_packet(self, packet: Packet) -> None:
        """An encoded packet."""
        self._replies.append(wire.build_packet(self._line, packet))

    def write_encoder(self, name: str) -> None:
        """FFmpeg's name of the encoder in use."""
        body = wire.build_reason(name)
        self._replies.append(wire.build_message(MessageKind.ENCODER, self._line, body))


class Worker:
    """The lines of this process."""

    def __init__(self) -> None:
        self._lines: dict[int, AudioLine | VideoLine] = {}
        self._tracks: dict[int, Track] = {}
        self._replies: list[bytes] = []

    def receive_message(self, message: Message) -> bytes:
        """Do what a message says and return the replies; raises ``WireError``."""
        try:
            self._dispatch(message)
        except (WireError, MemoryError):
            raise
        except Exception as error:  # whatever a codec raises ends its own line only
            self._give_up(message.line, error)
        if message.kind is MessageKind.PACKET:
            self._replies.append(wire.build_message(MessageKind.TAKEN, message.line))
        replies = b"".join(self._replies)
        self._replies.clear()
        return replies

    def _dispatch(self, message: Message) -> None:
        number = message.line
        if message.kind is MessageKind.OPEN:
            self._open(number, message.body)
            return
        line = self._lines.get(number)
        if line is None:
            return  # given up, and the server does not know yet
        match message.kind:
            case MessageKind.PACKET:
                packet, encode = wire.parse_packet(message.body, self._tracks[number])
                line.write(packet, encode=encode)
            case MessageKind.TRACK:
                track = self._tracks[number] = wire.parse_track(message.body)
                line.configure(track)
            case MessageKind.KEYFRAME:
                line.request_keyframe()
            case MessageKind.CLOSE:
                del self._lines[number]
            case _:
                raise WireError(f"{message.kind.name} is not for a worker")

    def _open(self, number: int, body: bytes) -> None:
        recipe = wire.parse_recipe(body)
        output = LineOutput(number, self._replies)
        self._lines[number] = (
            AudioLine(recipe, output)
            if isinstance(recipe, AudioRecipe)
            else VideoLine(recipe, output)
        )

    def _give_up(self, number: int, error: Exception) -> None:
        self._lines.pop(number, None)
        reason = wire.build_reason(f"{type(error).__name__}: {error}")
        self._replies.append(wire.build_message(MessageKind.FAILED, number, reason))


def run(input_fd: int, output_fd: int) -> None:
    """Serve until the input ends."""
    worker, reader = Worker(), MessageReader()
    _write(output_fd, wire.build_message(MessageKind.READY, 0))
    while data := os.read(input_fd, _READ_BYTES):
        for message in reader.receive_data(data):
            _set_alarm(_LONGEST_SECONDS)
            replies = worker.receive_message(message)
            _set_alarm(0)
            _write(output_fd, replies)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _set_alarm(seconds: int) -> None:
    """SIGALRM ends a process that does not handle it, wherever in a codec it is."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _take_pipes() -> tuple[int, int]:
    """Keep standard output for messages: what a library prints goes to standard error."""
    output_fd = os.dup(1)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
        msvcrt.setmode(output_fd, os.O_BINARY)
    if sys.platform == "linux":
        import fcntl

        for fd in (0, output_fd):
            with contextlib.suppress(OSError):  # not a pipe, or above the user's limit
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return 0, output_fd


def _limit_itself(kind: str) -> None:
    # Ctrl-C reaches the whole process group; the server decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        return
    import resource

    if kind == "video":
        os.nice(_VIDEO_NICENESS)  # forwarding what others watch comes first
    memory = _VIDEO_MEMORY if kind == "video" else _AUDIO_MEMORY
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        # Not RLIMIT_AS: GPU drivers reserve address space by the terabyte.
        resource.RLIMIT_DATA: memory,
    }
    for limit, most in limits.items():
        _, hard = resource.getrlimit(limit)
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (value, hard))


def main() -> int:
    """Run a worker on the standard streams."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "audio"
    pipes = _take_pipes()
    _limit_itself(kind)
    try:
        run(*pipes)
    except WireError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except BrokenPipeError:
        pass  # the server is gone
    return 0


if __name__ == "__main__":
    sys.exit(main())
