"""PipeEncoder: an encoder that PyAV's FFmpeg lacks, in an ``ffmpeg`` process: raw pictures in,
packets out (NUT over pipes). For VAAPI, whose drivers PyAV's wheels do not link.

A process takes no commands: for a keyframe on request, or another bitrate, a new one is started,
which costs a few pictures.
"""

from __future__ import annotations

import io
import queue
import shutil
import subprocess
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import av
import numpy as np

from gamecast.client.encode import bitstream
from gamecast.client.encode.scaling import Scaler
from gamecast.client.encode.settings import EncoderError, VideoSettings
from gamecast.media.codecs import video_track
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import VIDEO_CLOCK_RATE, Track

PREFIX_PICTURES = 3
"""Black pictures encoded once to learn the decoder configuration, and whether it works at all."""
START_LIMIT = 20.0
FLUSH_LIMIT = 5.0
RENDER_NODES = "/dev/dri"
FORMAT = "yuv420p"
_NUT = {"probesize": "32", "analyzeduration": "0", "fpsprobesize": "0"}


class PipeEncoder:
    """As ``VideoEncoder``. ``name`` is FFmpeg's, for example ``h264_vaapi``."""

    def __init__(self, name: str, settings: VideoSettings, *, track_id: int = 0) -> None:
        """Encode some black pictures; raises ``EncoderError`` with ffmpeg's reason."""
        self.name = name
        self.settings = settings
        self.bitrate = settings.bitrate
        self._program = _program()
        extradata = self._try_out()
        try:
            config = bitstream.configuration(settings.codec, extradata)
            self.track: Track = video_track(settings.codec, config, id=track_id)
        except MediaError as error:
            raise EncoderError(f"{name}: {error}") from error
        self._repack = bitstream.repacker(settings.codec, extradata)
        self._scaler = Scaler(settings.width, settings.height, FORMAT)
        self._run: _Run | None = None
        self._last_pts = -1

    def change_bitrate(self, bitrate: int) -> None:
        """Encode at ``bitrate`` from the next picture on, in another process."""
        self.bitrate = min(bitrate, self.settings.bitrate)
        if self._run is not None:
            self._run.stale = True

    def encode(self, frame: av.VideoFrame, *, keyframe: bool = False) -> list[Packet]:
        """As ``VideoEncoder.encode``."""
        if frame.pts is None or not frame.time_base:
            raise EncoderError("a picture without a timestamp")
        pts = round(frame.pts * frame.time_base * VIDEO_CLOCK_RATE)
        if pts <= self._last_pts:
            return []
        self._last_pts = pts
        packets: list[Packet] = []
        run = self._run
        if run is not None and (run.stale or keyframe) and run.pictures:
            packets, run = self.flush(), None
        if run is None:
            run = self._run = _Run(self._arguments(self.bitrate), self.name)
        run.write(pts, _bytes(self._scaler.scale(frame)))
        return packets + self._packets(run, wait=float(1 / self.settings.fps) / 2)

    def flush(self) -> list[Packet]:
        """What is still inside; the process ends."""
        run, self._run = self._run, None
        if run is None:
            return []
        run.finish()
        return self._packets(run, wait=0.0)

    def _packets(self, run: _Run, *, wait: float) -> list[Packet]:
        packets = []
        for pts, data, is_keyframe in run.take(wait):
            try:
                payload = self._repack(data)
            except MediaError as error:
                raise EncoderError(f"{self.name}: {error}") from error
            packets.append(Packet(self.track, pts, pts, payload, is_keyframe))
        return packets

    def _try_out(self) -> bytes:
        settings = self.settings
        black = bytes([16]) * (settings.width * settings.height)
        black += bytes([128]) * (settings.width * settings.height // 2)
        try:
            done = subprocess.run(
                self._arguments(self.bitrate),
                input=black * PREFIX_PICTURES,
                capture_output=True,
                timeout=START_LIMIT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EncoderError(f"{self.name}: {error}") from error
        if done.returncode != 0 or not done.stdout:
            raise EncoderError(f"{self.name}: {_reason(done.stderr)}")
        try:
            with av.open(io.BytesIO(done.stdout), format="nut") as container:
                return container.streams.video[0].codec_context.extradata or b""
        except (av.FFmpegError, IndexError) as error:
            raise EncoderError(f"{self.name}: ffmpeg gave nothing to read: {error}") from error

    def _arguments(self, bitrate: int) -> list[str]:
        settings = replace(self.settings, bitrate=bitrate)
        begin, filters, options = _hardware(self.name)
        return [
            *(self._program, "-hide_banner", "-loglevel", "error", *begin),
            *("-f", "rawvideo", "-pix_fmt", FORMAT, "-framerate", str(settings.fps)),
            *("-video_size", f"{settings.width}x{settings.height}"),
            *("-color_range", "tv", "-colorspace", "bt709"),
            *("-probesize", "32", "-i", "pipe:0", *filters),
            *("-c:v", self.name, *options, "-bf", "0", "-g", str(settings.gop)),
            *("-b:v", str(bitrate), "-maxrate", str(bitrate)),
            *("-bufsize", str(settings.buffer_bits), "-fps_mode", "passthrough"),
            *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"),
            *("-f", "nut", "-flush_packets", "1", "pipe:1"),
        ]


class _Run:
    """One process."""

    def __init__(self, arguments: list[str], name: str) -> None:
        self.pictures = 0
        self.stale = False
        self._name = name
        self._times: deque[int] = deque()
        self._ready: queue.Queue[tuple[bytes, bool]] = queue.Queue()
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input: IO[bytes] = self._process.stdin
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name=f"encode {name}", daemon=True
        )
        self._reader.start()

    def write(self, pts: int, picture: bytes) -> None:
        """Put a picture in."""
        try:
            self._input.write(picture)
            self._input.flush()
        except OSError as error:
            self._process.kill()
            raise EncoderError(f"{self._name}: {self._last_words()}") from error
        self._times.append(pts)
        self.pictures += 1

    def take(self, wait: float) -> list[tuple[int, bytes, bool]]:
        """Packets that are done; waits that long for the first one. Without B-frames the order of
        packets is that of the pictures."""
        found: list[tuple[int, bytes, bool]] = []
        while self._times:
            try:
                data, is_keyframe = self._ready.get(timeout=0.0 if found or not wait else wait)
            except queue.Empty:
                break
            found.append((self._times.popleft(), data, is_keyframe))
        return found

    def finish(self) -> None:
        """No more pictures: wait for the rest."""
        with suppress(OSError):
            self._input.close()
        self._reader.join(FLUSH_LIMIT)
        if self._reader.is_alive():
            self._process.kill()
            self._reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._process.wait()

    def _read(self, output: IO[bytes]) -> None:
        try:
            with av.open(output, "r", format="nut", options=dict(_NUT)) as container:
                for packet in container.demux(video=0):
                    if packet.size:
                        self._ready.put((bytes(packet), bool(packet.is_keyframe)))
        except (av.FFmpegError, ValueError):
            return  # it ended early; writing to it tells why

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        return _reason(self._process.stderr.read())


def _hardware(name: str) -> tuple[list[str], list[str], list[str]]:
    """Options before the input, filters, and options of the encoder."""
    if not name.endswith("_vaapi"):
        return [], [], []
    nodes = sorted(Path(RENDER_NODES).glob("renderD*"))
    if not nodes:
        raise EncoderError(f"{name}: no graphics card ({RENDER_NODES}/renderD* is missing)")
    upload = ["-vf", "format=nv12,hwupload"]
    return ["-vaapi_device", str(nodes[0])], upload, ["-rc_mode", "CBR", "-async_depth", "1"]


def _program() -> str:
    found = shutil.which("ffmpeg")
    if found is None:
        raise EncoderError("no ffmpeg program: install it (Debian: apt install ffmpeg)")
    return found


def _bytes(frame: av.VideoFrame) -> bytes:
    """The planes of a yuv420p picture, without padding."""
    parts = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        parts.append(rows[:, : plane.width].tobytes())
    return b"".join(parts)


def _reason(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[0][:200] if lines else "ffmpeg failed without a word"
