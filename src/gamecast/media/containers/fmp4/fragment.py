"""Movie fragments: ``moof`` and ``mdat`` (ISO/IEC 14496-12, 8.8; 23000-19, 7.3.2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from gamecast.media.containers.fmp4.boxes import box, full_box

# Section 8.8.3.1: sample_depends_on in bits 24 and 25, sample_is_non_sync_sample in bit 16.
_SYNC = 2 << 24
_NON_SYNC = 1 << 24 | 1 << 16

_DEFAULT_DURATION, _DEFAULT_FLAGS, _BASE_IS_MOOF = 0x08, 0x20, 0x020000
_DATA_OFFSET, _FIRST_FLAGS = 0x001, 0x004
_DURATIONS, _SIZES, _FLAGS, _COMPOSITION = 0x100, 0x200, 0x400, 0x800

_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900, where NTP counts from, to 1970."""


@dataclass(slots=True)
class Sample:
    """One sample; times in ticks of the track's ``clock_rate``."""

    duration: int
    data: bytes
    keyframe: bool = True
    cts: int = 0
    """Composition time minus decoding time; may be negative (``trun`` version 1)."""


@dataclass(slots=True)
class TrackRun:
    """Samples of one track that follow each other without a gap; not empty."""

    track_id: int
    """From 1, in the order in which :func:`init_segment` was given the tracks."""
    base_decode_time: int
    """dts of the first sample; must not be negative."""
    samples: list[Sample]


def segment_type(*, last: bool = False) -> bytes:
    """``styp``: goes in front of a media segment; ``last`` adds ``lmsg`` (23009-1, 7.3.2)."""
    brands = b"msdhcmfslmsg" if last else b"msdhcmfs"
    return box(b"styp", b"msdh", bytes(4), brands)


def fragment(sequence: int, runs: Sequence[TrackRun]) -> bytes:
    """``moof`` and ``mdat`` with the samples of ``runs``, one run per track.

    ``sequence`` counts fragments from 1. Raises ``ValueError`` for a negative decode time, and
    ``struct.error`` for a duration or size beyond 32 bits.
    """
    plans = [_TrackFragment(run) for run in runs]
    moof_size = 8 + 16 + sum([plan.size for plan in plans])
    offset = moof_size + 8
    trafs: list[bytes] = []
    for plan in plans:
        trafs.append(plan.encode(offset))
        offset += plan.data_size
    moof = box(b"moof", full_box(b"mfhd", 0, 0, (sequence & 0xFFFFFFFF).to_bytes(4, "big")), *trafs)
    mdat = struct.pack(">I4s", offset - moof_size, b"mdat")
    return b"".join([moof, mdat, *[sample.data for run in runs for sample in run.samples]])


class _TrackFragment:
    """``traf`` in the making: what all samples share goes into ``tfhd``, the rest into ``trun``."""

    __slots__ = ("_columns", "_defaults", "_first", "_run", "_tfhd", "_trun", "data_size")

    def __init__(self, run: TrackRun) -> None:
        if run.base_decode_time < 0:
            raise ValueError("an MP4 decode time cannot be negative")
        self._run = run
        self._tfhd, self._trun = _BASE_IS_MOOF, _DATA_OFFSET | _SIZES
        self._defaults: list[int] = []
        self._first: list[int] = []
        # The order in which trun wants the values of a sample (8.8.8.2).
        self._columns: list[list[int]] = []
        self._add_durations(run.samples)
        sizes = [len(sample.data) for sample in run.samples]
        self._columns.append(sizes)
        self.data_size = sum(sizes)
        self._add_flags(run.samples)
        self._add_composition(run.samples)

    @property
    def size(self) -> int:
        """Bytes of the ``traf``: its header, ``tfhd``, ``tfdt`` and ``trun``."""
        values = len(self._defaults) + len(self._first) + len(self._columns) * len(self._columns[0])
        return 8 + 16 + 20 + 20 + 4 * values

    def _add_durations(self, samples: list[Sample]) -> None:
        durations = [sample.duration for sample in samples]
        if durations.count(durations[0]) == len(durations):
            self._tfhd |= _DEFAULT_DURATION
            self._defaults.append(durations[0])
        else:
            self._trun |= _DURATIONS
            self._columns.append(durations)

    def _add_flags(self, samples: list[Sample]) -> None:
        flags = [_SYNC if sample.keyframe else _NON_SYNC for sample in samples]
        differs = flags[0] != flags[-1]
        if flags.count(flags[-1]) < len(flags) - differs:
            self._trun |= _FLAGS
            self._columns.append(flags)
            return
        self._tfhd |= _DEFAULT_FLAGS
        self._defaults.append(flags[-1])
        if differs:
            self._trun |= _FIRST_FLAGS
            self._first.append(flags[0])

    def _add_composition(self, samples: list[Sample]) -> None:
        offsets = [sample.cts & 0xFFFFFFFF for sample in samples]
        if any(offsets):
            self._trun |= _COMPOSITION
            self._columns.append(offsets)

    def encode(self, data_offset: int) -> bytes:
        """The box; ``data_offset`` is from the start of ``moof`` to this run's first sample."""
        run = self._run
        values = [len(run.samples), data_offset, *self._first]
        for row in zip(*self._columns, strict=True):
            values += row
        return box(
            b"traf",
            full_box(b"tfhd", 0, self._tfhd, _words([run.track_id, *self._defaults])),
            full_box(b"tfdt", 1, 0, run.base_decode_time.to_bytes(8, "big")),
            full_box(b"trun", 1, self._trun, _words(values)),
        )


def _words(values: list[int]) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def producer_reference_time(
    track_id: int, wall: float, media_time: int, *, flags: int = 24
) -> bytes:
    """``prft`` (8.16.5): the track's ``media_time`` was captured at ``wall`` Unix seconds.

    Goes in front of the ``moof``. ``flags`` say what the time means: 0 encoder input, 1 encoder
    output, 2 this box, 24 capture.
    """
    seconds = int(wall)
    ntp = (seconds + _NTP_EPOCH & 0xFFFFFFFF) << 32 | int((wall - seconds) * (1 << 32))
    return full_box(b"prft", 1, flags, struct.pack(">IQQ", track_id, ntp, media_time))
