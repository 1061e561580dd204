from __future__ import annotations

import io
from contextlib import suppress

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import adts
from gamecast.media.codecs.aac import AacConfig, parse_audio_specific_config
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import mutated


def encode(rate: int, layout: str) -> tuple[bytes, bytes, list[bytes]]:
    """libavcodec's AAC: its AudioSpecificConfig, a file with ADTS, and the bare frames."""
    file = io.BytesIO()
    frames = []
    with av.open(file, "w", format="adts") as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        channels = stream.codec_context.layout.nb_channels
        tone = np.sin(np.arange(4096) * 0.06).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.tile(tone, (channels, 1)), "fltp", layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            frames.append(bytes(packet))
            container.mux(packet)
        config = bytes(stream.codec_context.extradata or b"")
    return config, file.getvalue(), frames


_, STEREO_FILE, STEREO_FRAMES = encode(48000, "stereo")
LC = AacConfig(2, 48000, 2, 2)


@pytest.mark.parametrize(("rate", "layout"), [(48000, "stereo"), (44100, "mono"), (96000, "5.1")])
def test_what_ffmpeg_wrote_is_split_and_built_byte_for_byte(rate: int, layout: str) -> None:
    config, file, frames = encode(rate, layout)
    found = list(adts.split_adts(file))
    assert [frame for _, frame in found] == frames
    parsed = parse_audio_specific_config(config)
    assert b"".join(adts.build_adts(parsed, len(f)) + f for f in frames) == file
    for header, _ in found:
        said = parse_audio_specific_config(header.config)
        assert (said.sample_rate, said.channels) == (rate, parsed.channels)
        assert (header.sample_rate, header.raw_blocks) == (rate, 1)


def test_sync_word() -> None:
    assert adts.is_adts(STEREO_FILE)
    assert not adts.is_adts(STEREO_FRAMES[0])
    assert not adts.is_adts(STEREO_FILE[:6])
    assert not adts.is_adts(b"\xff\xfb" + bytes(8))  # MPEG layer III


def test_header_with_a_checksum_is_9_bytes() -> None:
    protected = bytearray(STEREO_FILE[:7])
    protected[1] &= 0xFE
    assert adts.parse_adts(bytes(protected)).header_length == 9


def test_header_in_the_middle_of_a_buffer() -> None:
    assert adts.parse_adts(memoryview(b"abc" + STEREO_FILE), 3) == adts.parse_adts(STEREO_FILE)


def test_channel_layout_0_has_no_config() -> None:
    head = bytearray(STEREO_FILE[:7])
    head[2] &= 0xFE
    head[3] &= 0x3F
    with pytest.raises(MediaError):
        _ = adts.parse_adts(bytes(head)).config


@pytest.mark.parametrize(
    "data",
    [b"", b"abcdefgh", STEREO_FILE[:6], b"\xff\xf1\x7c\x80\x02\x1f\xfc",
     b"\xff\xf1\x4c\x80\x00\xdf\xfc"],
    ids=["empty", "no sync", "cut", "rate 15", "length 6"],
)  # fmt: skip
def test_a_broken_header_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        adts.parse_adts(data)


@pytest.mark.parametrize(
    "data", [STEREO_FILE[:-1], STEREO_FILE + b"x", adts.build_adts(LC, 0) * 257]
)
def test_a_broken_packet_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        list(adts.split_adts(data))


@pytest.mark.parametrize(
    ("config", "length"),
    [(LC, 8185), (AacConfig(2, 44056, 2, 2), 10), (AacConfig(39, 48000, 2, 2), 10)],
)
def test_what_does_not_fit_is_not_built(config: AacConfig, length: int) -> None:
    with pytest.raises(MediaError):
        adts.build_adts(config, length)
    assert len(adts.build_adts(AacConfig(2, 48000, 12, 8), 8184)) == 7


@settings(max_examples=150)
@given(mutated([STEREO_FILE[:400]]) | st.binary(max_size=40))
def test_any_bytes_are_split_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        assert sum(len(frame) for _, frame in adts.split_adts(data)) <= len(data)
