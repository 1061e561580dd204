"""Opus in MPEG-TS: descriptors and control headers.

Source: "Encapsulation of Opus in MPEG-TS", sections 2 to 4, as libavformat writes it.
"""

from __future__ import annotations

from gamecast.media.codecs.opus import OpusConfig, build_opus_head, parse_opus_head
from gamecast.media.codecs.tracks import audio_track
from gamecast.media.containers.mpegts.frames import Frame
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec, Track

FORMAT_IDENTIFIER = b"Opus"
_EXTENSION_TAG = 0x80
_STREAMS = (0, 1, 1, 2, 2, 3, 4, 4, 5)
_COUPLED = (0, 0, 1, 1, 2, 2, 2, 3, 3)
_MAPPINGS = (
    b"",
    b"\x00",
    b"\x00\x01",
    b"\x00\x02\x01",
    b"\x00\x01\x02\x03",
    b"\x00\x04\x01\x02\x03",
    b"\x00\x04\x01\x02\x03\x05",
    b"\x00\x04\x01\x02\x03\x05\x06",
    b"\x00\x06\x01\x02\x03\x04\x05\x07",
)
"""Vorbis channel order (RFC 7845 section 5.1.1.2) for channel_config_code 1 to 8."""
_START_TRIM, _END_TRIM, _EXTENSION = 0x10, 0x08, 0x04


def config_from_descriptor(body: bytes | None) -> bytes:
    """The ``OpusHead`` that an extension descriptor stands for; stereo where there is none."""
    code = body[1] if body is not None and len(body) >= 2 and body[0] == _EXTENSION_TAG else 2
    if not 1 <= code <= 8:
        raise MediaError(f"Opus channel_config_code {code} is not supported")
    if code <= 2:
        return build_opus_head(OpusConfig(code))
    mapping = bytes((_STREAMS[code], _COUPLED[code])) + _MAPPINGS[code]
    return build_opus_head(OpusConfig(code, mapping_family=1, mapping=mapping))


def descriptor_from_config(config: bytes) -> bytes:
    """The body of the extension descriptor for an ``OpusHead``."""
    return bytes((_EXTENSION_TAG, min(parse_opus_head(config).channels, 8)))


def control_header(size: int) -> bytes:
    """What stands in front of a packet of ``size`` bytes."""
    return b"\x7f\xe0" + b"\xff" * (size // 255) + bytes((size % 255,))


class OpusFramer:
    """Access units with control headers."""

    def __init__(self, config: bytes) -> None:
        """``config``: the ``OpusHead`` that the PMT's descriptor stands for."""
        self._config = config

    def next(self, data: bytes, position: int) -> Frame | None:
        """The next access unit; bytes that are none are passed over."""
        while position + 3 <= len(data):
            if data[position] != 0x7F or data[position + 1] & 0xE0 != 0xE0:
                found = data.find(0x7F, position + 1)
                position = found if found >= 0 else len(data)
                continue
            start = self._payload_start(data, position)
            if start is None:
                return None
            begin, size = start
            end = begin + size
            if end > len(data):
                return None
            return Frame(position, end, data[begin:end], self._config)
        return None

    def track(self, frame: Frame, id: int) -> Track:
        """Opus as the descriptor says."""
        return audio_track(Codec.OPUS, self._config, id=id)

    @staticmethod
    def _payload_start(data: bytes, position: int) -> tuple[int, int] | None:
        flags = data[position + 1]
        at = position + 2
        size = 0
        while True:
            if at >= len(data):
                return None
            size += data[at]
            at += 1
            if data[at - 1] != 0xFF:
                break
        at += 2 * bool(flags & _START_TRIM) + 2 * bool(flags & _END_TRIM)
        if flags & _EXTENSION:
            if at >= len(data):
                return None
            at += 1 + data[at]
        return at, size
