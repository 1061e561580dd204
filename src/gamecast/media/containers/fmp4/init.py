"""The initialisation segment: ``ftyp`` and a ``moov`` without samples (14496-12; 23000-19, 7.3)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gamecast.media.containers.fmp4.boxes import box, full_box
from gamecast.media.containers.fmp4.sample_entries import sample_entry
from gamecast.media.track import Codec, Kind, Track

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4
"""The language ``und``, five bits a letter (8.4.2.3)."""
_ENABLED_IN_MOVIE = 3


def init_segment(tracks: Sequence[Track]) -> bytes:
    """``ftyp`` and ``moov`` for ``tracks``, whose track_IDs are 1, 2, … in this order.

    Each track's timescale is its ``clock_rate``. There are no edit lists, so a fragment's times
    are the packets' own. Raises ``ValueError`` for a codec that MP4 has no sample entry for.
    """
    numbered = list(enumerate(tracks, 1))
    return b"".join(
        (
            _ftyp(tracks),
            box(
                b"moov",
                _mvhd(len(tracks) + 1),
                *(_trak(number, track) for number, track in numbered),
                box(b"mvex", *(_trex(number) for number, _ in numbered)),
            ),
        )
    )


def _ftyp(tracks: Sequence[Track]) -> bytes:
    """``iso6`` for default-base-is-moof and ``tfdt``; a CMAF track is alone in its file (7.2)."""
    brands = [b"iso6", b"mp41"]
    if len(tracks) == 1:
        brands.append(b"cmfc")
    if any(track.codec is Codec.AV1 for track in tracks):
        brands.append(b"av01")
    return box(b"ftyp", b"iso6", bytes(4), *brands)


def _mvhd(next_track_id: int) -> bytes:
    head = struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x00010000, 0x0100)
    return full_box(b"mvhd", 0, 0, head, _MATRIX, bytes(24), next_track_id.to_bytes(4, "big"))


def _trak(number: int, track: Track) -> bytes:
    return box(b"trak", _tkhd(number, track), _mdia(track))


def _tkhd(number: int, track: Track) -> bytes:
    volume = 0x0100 if track.kind is Kind.AUDIO else 0
    head = struct.pack(">IIIII8xHHHH", 0, 0, number, 0, 0, 0, 0, volume, 0)
    size = struct.pack(">II", track.width << 16, track.height << 16)
    return full_box(b"tkhd", 0, _ENABLED_IN_MOVIE, head, _MATRIX, size)


def _mdia(track: Track) -> bytes:
    mdhd = struct.pack(">IIIIHH", 0, 0, track.clock_rate, 0, _UNDETERMINED, 0)
    if track.kind is Kind.VIDEO:
        handler, name = b"vide", b"Video\x00"
        media_header = full_box(b"vmhd", 0, 1, bytes(8))
    else:
        handler, name = b"soun", b"Sound\x00"
        media_header = full_box(b"smhd", 0, 0, bytes(4))
    # One data reference that says "in this file" (8.7.2).
    reference = full_box(b"dref", 0, 0, b"\x00\x00\x00\x01", full_box(b"url ", 0, 1))
    return box(
        b"mdia",
        full_box(b"mdhd", 0, 0, mdhd),
        full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), name),
        box(b"minf", media_header, box(b"dinf", reference), _stbl(track)),
    )


def _stbl(track: Track) -> bytes:
    """The sample table: a description and no samples."""
    return box(
        b"stbl",
        full_box(b"stsd", 0, 0, b"\x00\x00\x00\x01", sample_entry(track)),
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )


def _trex(number: int) -> bytes:
    return full_box(b"trex", 0, 0, struct.pack(">IIIII", number, 1, 0, 0, 0))
