"""As much of libpulse as recording takes, through ctypes: it is there wherever the server is.

Source: PulseAudio 16 headers ``simple.h``, ``introspect.h``, ``mainloop.h``, ``context.h``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_void_p
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Self

FLOAT32LE = 5
RECORD = 2
UNSET = 0xFFFFFFFF
MONITOR_OF_DEFAULT = "@DEFAULT_MONITOR@"
"""What is heard: the monitor of the default sink."""
DEFAULT_SOURCE = "@DEFAULT_SOURCE@"
"""The default microphone."""
_CONTEXT_READY, _CONTEXT_FAILED, _CONTEXT_TERMINATED = 4, 5, 6
_NO_AUTOSPAWN = 1
_MAX_ROUNDS = 2000


class PulseError(Exception):
    """No libpulse, no server, no such source; the message is the library's."""


class _SampleSpec(Structure):
    _fields_ = (("format", c_uint32), ("rate", c_uint32), ("channels", c_uint8))


class _BufferAttr(Structure):
    _fields_ = (
        ("maxlength", c_uint32),
        ("tlength", c_uint32),
        ("prebuf", c_uint32),
        ("minreq", c_uint32),
        ("fragsize", c_uint32),
    )


class _SourceInfo(Structure):
    """The first fields of ``pa_source_info``; the rest is not read."""

    _fields_ = (("name", c_char_p), ("index", c_uint32), ("description", c_char_p))


_SourceCallback = ctypes.CFUNCTYPE(None, c_void_p, POINTER(_SourceInfo), c_int, c_void_p)


@cache
def _library(name: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise PulseError(f"{name} is not installed (Debian: libpulse0)") from error


def _function(library: str, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = getattr(_library(library), name)
    function.restype, function.argtypes = result, arguments
    return function  # type: ignore[no-any-return]


def _simple(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return _function("libpulse-simple.so.0", name, result, *arguments)


def _pulse(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return _function("libpulse.so.0", name, result, *arguments)


def _message(code: int) -> str:
    text = _pulse("pa_strerror", c_char_p, c_int)(code)
    return text.decode() if text else f"error {code}"


class Recorder:
    """One open recording stream of 32-bit floats; blocking, for one thread."""

    def __init__(self, source: str, *, rate: int, channels: int, fragment: int) -> None:
        """``fragment`` is in frames: how much the server delivers at once. ``PulseError``."""
        self._frame_bytes = 4 * channels
        spec = _SampleSpec(FLOAT32LE, rate, channels)
        attributes = _BufferAttr(UNSET, UNSET, UNSET, UNSET, fragment * self._frame_bytes)
        error = c_int(0)
        opener = _simple(
            "pa_simple_new",
            c_void_p,
            *(c_char_p, c_char_p, c_int, c_char_p, c_char_p),
            *(POINTER(_SampleSpec), c_void_p, POINTER(_BufferAttr), POINTER(c_int)),
        )
        self._read = _simple("pa_simple_read", c_int, c_void_p, c_void_p, c_size_t, POINTER(c_int))
        self._latency = _simple("pa_simple_get_latency", ctypes.c_uint64, c_void_p, POINTER(c_int))
        self._handle = opener(
            *(None, b"Gamecast", RECORD, source.encode(), b"capture"),
            *(byref(spec), None, byref(attributes), byref(error)),
        )
        if not self._handle:
            raise PulseError(_message(error.value))

    def read(self, frames: int) -> bytes:
        """Wait for this many frames, interleaved. Raises ``PulseError``."""
        buffer = ctypes.create_string_buffer(frames * self._frame_bytes)
        error = c_int(0)
        if self._read(self._handle, buffer, len(buffer.raw), byref(error)) < 0:
            raise PulseError(_message(error.value))
        return buffer.raw

    def latency(self) -> float:
        """Seconds since the next frame to be read was recorded."""
        error = c_int(0)
        microseconds: int = self._latency(self._handle, byref(error))
        return microseconds / 1e6

    def close(self) -> None:
        """Hang up."""
        if self._handle:
            _simple("pa_simple_free", None, c_void_p)(self._handle)
            self._handle = None


@dataclass(slots=True, frozen=True)
class PulseSource:
    """Something to record from."""

    name: str
    description: str

    @property
    def is_monitor(self) -> bool:
        """Whether it is what a sink plays, not a microphone."""
        return self.name.endswith(".monitor")


def sources() -> list[PulseSource]:
    """Every source of the server. Raises ``PulseError``."""
    with _Context() as context:
        return context.sources()


class _Context:
    """A connection that asks one question."""

    def __init__(self) -> None:
        self._loop = _pulse("pa_mainloop_new", c_void_p)()
        api = _pulse("pa_mainloop_get_api", c_void_p, c_void_p)(self._loop)
        self._context = _pulse("pa_context_new", c_void_p, c_void_p, c_char_p)(api, b"Gamecast")
        self._state = _pulse("pa_context_get_state", c_int, c_void_p)
        self._iterate = _pulse("pa_mainloop_iterate", c_int, c_void_p, c_int, c_void_p)

    def __enter__(self) -> Self:
        connect = _pulse("pa_context_connect", c_int, c_void_p, c_char_p, c_int, c_void_p)
        connect(self._context, None, _NO_AUTOSPAWN, None)
        ended = (_CONTEXT_READY, _CONTEXT_FAILED, _CONTEXT_TERMINATED)
        self._turn(lambda: self._state(self._context) in ended)
        if self._state(self._context) != _CONTEXT_READY:
            code = _pulse("pa_context_errno", c_int, c_void_p)(self._context)
            self.__exit__(None, None, None)
            raise PulseError(_message(code))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _pulse("pa_context_disconnect", None, c_void_p)(self._context)
        _pulse("pa_context_unref", None, c_void_p)(self._context)
        _pulse("pa_mainloop_free", None, c_void_p)(self._loop)

    def sources(self) -> list[PulseSource]:
        """Ask, and wait for the answer."""
        found: list[PulseSource] = []
        finished: list[int] = []

        def take(_context: Any, info: Any, end: int, _data: Any) -> None:
            if end:
                finished.append(end)
            else:
                name, text = info.contents.name, info.contents.description
                found.append(PulseSource(name.decode(), (text or name).decode("utf-8", "replace")))

        callback = _SourceCallback(take)
        ask = _pulse(
            "pa_context_get_source_info_list", c_void_p, c_void_p, _SourceCallback, c_void_p
        )
        operation = ask(self._context, callback, None)
        self._turn(lambda: bool(finished))
        if operation:
            _pulse("pa_operation_unref", None, c_void_p)(operation)
        return found

    def _turn(self, until: Callable[[], bool]) -> None:
        for _ in range(_MAX_ROUNDS):
            if until():
                return
            if self._iterate(self._loop, 1, None) < 0:
                return
