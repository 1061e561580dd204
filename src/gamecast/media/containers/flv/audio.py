"""Audio messages into tracks and packets: legacy AAC and MP3, and Enhanced RTMP.

Sources: Adobe, "Video File Format Specification" version 10.1, section E.4.2; Veovera, "Enhanced
RTMP" version 2, section "Enhanced Audio".
"""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.codecs import ac3, adts, frames, mp3
from gamecast.media.codecs.tracks import audio_track
from gamecast.media.containers.flv import enhanced
from gamecast.media.containers.flv.fourcc import (
    AUDIO_CODEC,
    AudioPacketType,
    LegacyPacketType,
    SoundFormat,
)
from gamecast.media.containers.flv.state import Numbers
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.timing import MillisecondRetimer
from gamecast.media.track import Codec, Kind, Track

_SELF_DESCRIBING = frozenset({Codec.MP3, Codec.AC3, Codec.EAC3})
"""Codecs whose tracks are made from a frame header, for they have no configuration."""


@dataclass(slots=True)
class _Input:
    """What is known of one track."""

    id: int
    codec: Codec | None = None
    config: bytes = b""
    """As the encoder sent it, to tell a repeated sequence header from a new one."""
    channels: int = 0
    """From MultichannelConfig, for Opus without an identification header."""
    track: Track | None = None


class AudioReader:
    """The audio half of a ``TagReader``.

    Nanosecond offsets (ModEx) are not used: the retimer counts samples, which is as exact.
    """

    __slots__ = ("_inputs", "_numbers", "_retimer", "_tracks")

    def __init__(
        self, tracks: dict[int, Track], numbers: Numbers, retimer: MillisecondRetimer
    ) -> None:
        self._tracks = tracks
        self._numbers = numbers
        self._retimer = retimer
        self._inputs: dict[int, _Input] = {}

    def read(self, stamp: int, payload: bytes) -> list[Packet]:
        """Packets of one message stamped in milliseconds. Raises :class:`MediaError`.

        An empty message means silence (Enhanced RTMP, AudioPacketType) and gives none.
        """
        if not payload:
            return []
        sound_format = payload[0] >> 4
        if sound_format == SoundFormat.EX_HEADER:
            return self._read_enhanced(stamp, payload)
        track = self._input(0)
        if track is None:
            return []
        if sound_format == SoundFormat.AAC:
            return self._read_aac(track, stamp, payload)
        if sound_format in (SoundFormat.MP3, SoundFormat.MP3_8K):
            return self._packets(track, Codec.MP3, stamp, payload[1:])
        raise MediaError(f"unsupported FLV sound format {sound_format}")

    def _read_aac(self, track: _Input, stamp: int, payload: bytes) -> list[Packet]:
        if len(payload) < 2:
            raise MediaError("AAC tag is cut short")
        if payload[1] == LegacyPacketType.DATA:
            return self._packets(track, Codec.AAC, stamp, payload[2:])
        if payload[1] == LegacyPacketType.SEQUENCE_HEADER:
            self._configure(track, Codec.AAC, payload[2:])
        return []

    def _read_enhanced(self, stamp: int, payload: bytes) -> list[Packet]:
        message = enhanced.parse_audio(payload)
        packets: list[Packet] = []
        for part in message.parts:
            codec = AUDIO_CODEC.get(part.fourcc)
            if codec is None:
                raise MediaError(f"unsupported audio FourCC {part.fourcc!r}")
            track = self._input(part.track_id)
            if track is None:
                continue
            body = payload[part.start : part.end]
            if message.packet_type == AudioPacketType.CODED_FRAMES:
                packets += self._packets(track, codec, stamp, body)
            else:
                self._control(message.packet_type, track, codec, body)
        return packets

    def _control(self, packet_type: int, track: _Input, codec: Codec, body: bytes) -> None:
        if packet_type == AudioPacketType.SEQUENCE_START:
            self._configure(track, codec, body)
        elif packet_type == AudioPacketType.MULTICHANNEL_CONFIG:
            track.channels = body[1] if len(body) > 1 else 0
        elif packet_type != AudioPacketType.SEQUENCE_END:
            raise MediaError(f"unknown enhanced audio packet type {packet_type}")

    def _input(self, number: int) -> _Input | None:
        found = self._inputs.get(number)
        if found is None:
            id = self._numbers.allocate(Kind.AUDIO)
            if id is None:
                return None
            found = self._inputs[number] = _Input(id)
        return found

    def _configure(self, track: _Input, codec: Codec, config: bytes) -> None:
        if codec in _SELF_DESCRIBING or (codec is Codec.AAC and not config):
            return
        if codec is track.codec and config == track.config:
            return
        if codec is Codec.OPUS and not config:
            new = audio_track(codec, b"", id=track.id, channels=min(track.channels, 2))
        else:
            new = audio_track(codec, config, id=track.id)
        track.config = config
        self._announce(track, new)

    def _announce(self, track: _Input, new: Track) -> None:
        track.codec = new.codec
        if new != track.track:
            track.track = self._tracks[track.id] = new

    def _packets(self, track: _Input, codec: Codec, stamp: int, data: bytes) -> list[Packet]:
        if not data:
            return []
        blocks = [data]
        if codec is Codec.AAC and adts.is_adts(data):
            blocks = self._without_adts(track, data)
        elif codec in _SELF_DESCRIBING:
            self._describe(track, codec, data)
        elif codec is Codec.OPUS and track.codec is not codec:
            self._configure(track, codec, b"")
        if track.track is None or track.codec is not codec:
            return []  # nothing can be decoded before the sequence header
        packets = []
        passed = 0
        for block in blocks:
            samples = frames.packet_samples(track.track, block)
            due = stamp + passed * 1000 // track.track.clock_rate
            dts = self._retimer.audio(track.track, due, samples)
            passed += samples
            packets.append(Packet(track.track, dts, dts, block))
        return packets

    def _without_adts(self, track: _Input, data: bytes) -> list[bytes]:
        """Raw blocks of ADTS frames, which FLV should not hold but some encoders put there."""
        split = list(adts.split_adts(data))
        if track.codec is not Codec.AAC:
            self._configure(track, Codec.AAC, split[0][0].config)
        return [block for _, block in split if block]

    def _describe(self, track: _Input, codec: Codec, data: bytes) -> None:
        header = (mp3 if codec is Codec.MP3 else ac3).parse_frame_header(data)
        known = track.track
        if known is None or (known.codec, known.sample_rate, known.channels) != (
            codec,
            header.sample_rate,
            header.channels,
        ):
            rate, channels = header.sample_rate, header.channels
            self._announce(
                track, audio_track(codec, b"", id=track.id, sample_rate=rate, channels=channels)
            )
