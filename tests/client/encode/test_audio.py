from fractions import Fraction

import av
import numpy as np
import pytest

from gamecast.client.encode.audio import AudioEncoder, stretched
from gamecast.client.encode.settings import AudioSettings, EncoderError
from gamecast.media.codecs import packet_samples
from gamecast.media.packet import Packet
from gamecast.media.track import Codec


def tone(start: int, samples: int, rate: int = 48_000, layout: str = "stereo") -> av.AudioFrame:
    channels = 2 if layout == "stereo" else 1
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(start, start + samples) / rate)
    frame = av.AudioFrame.from_ndarray(
        np.tile(wave.astype(np.float32), (channels, 1)), format="fltp", layout=layout
    )
    frame.sample_rate = rate
    frame.pts, frame.time_base = start, Fraction(1, rate)
    return frame


def steady(packets: list[Packet]) -> bool:
    """Whether every packet begins where the one before ends."""
    ends = [packet.pts + packet_samples(packet.track, packet.data) for packet in packets]
    return all(abs(packet.pts - end) <= 1 for packet, end in zip(packets[1:], ends, strict=False))


@pytest.mark.parametrize("codec", [Codec.AAC, Codec.OPUS])
def test_blocks_of_any_size_become_a_steady_stream(codec: Codec) -> None:
    encoder = AudioEncoder(AudioSettings(codec=codec))
    assert (encoder.track.codec, encoder.track.sample_rate, encoder.track.channels) == (
        codec,
        48_000,
        2,
    )
    packets, position = [], 0
    for size in [480, 1024, 37, 2000, 1] * 10:
        packets += encoder.encode(tone(position, size))
        position += size
    packets += encoder.flush()
    assert steady(packets)
    total = sum(packet_samples(packet.track, packet.data) for packet in packets)
    assert position <= total < position + 4 * 1024
    assert -2048 <= packets[0].pts <= 0


@pytest.mark.parametrize(
    ("rate", "layout"), [(44_100, "stereo"), (48_000, "mono"), (16_000, "mono")]
)
def test_other_rates_and_layouts_are_converted(rate: int, layout: str) -> None:
    encoder = AudioEncoder(AudioSettings())
    packets = []
    for block in range(50):
        packets += encoder.encode(tone(block * 1000, 1000, rate, layout))
    packets += encoder.flush()
    assert steady(packets)
    assert packets[-1].pts + 1024 == pytest.approx(50_000 * 48_000 / rate, abs=3 * 1024)


def test_a_hole_is_filled_with_silence_of_its_length() -> None:
    encoder = AudioEncoder(AudioSettings())
    packets = []
    for start in (0, 1000, 2000, 3000 + 48_000, 4000 + 48_000):
        packets += encoder.encode(tone(start, 1000))
    packets += encoder.flush()
    assert steady(packets)
    assert sum(packet_samples(p.track, p.data) for p in packets) == pytest.approx(53_000, abs=3072)
    decoded = _decode(encoder, packets)
    assert np.abs(decoded[10_000:40_000]).max() < 1e-3
    assert np.abs(decoded[1024 + 51_100 : 1024 + 52_500]).max() > 0.2


def test_jitter_does_not_make_holes() -> None:
    encoder = AudioEncoder(AudioSettings())
    packets = []
    for block in range(50):
        late = 700 if block % 7 == 3 else 0
        packets += encoder.encode(tone(block * 1000 + late, 1000))
    packets += encoder.flush()
    assert steady(packets)
    assert sum(packet_samples(p.track, p.data) for p in packets) == pytest.approx(50_000, abs=3072)


def test_a_very_long_hole_is_a_jump() -> None:
    encoder = AudioEncoder(AudioSettings())
    encoder.encode(tone(0, 4096))
    packets = encoder.encode(tone(60 * 48_000, 4096))
    assert len(packets) <= 8


def test_overlapping_sound_is_given_up() -> None:
    encoder = AudioEncoder(AudioSettings())
    encoder.encode(tone(0, 48_000))
    assert encoder.encode(tone(1000, 1000)) == []


def test_sound_without_time_is_our_mistake() -> None:
    frame = tone(0, 1024)
    frame.pts = None
    with pytest.raises(EncoderError, match="timestamp"):
        AudioEncoder(AudioSettings()).encode(frame)


def test_a_sound_card_that_runs_slow_stays_in_step() -> None:
    encoder = AudioEncoder(AudioSettings())
    packets = []
    for block in range(60 * 20):
        frame = tone(block * 960, 960)
        frame.pts = round(block * 960 * 1.001)
        packets += encoder.encode(frame)
    packets += encoder.flush()
    assert steady(packets)
    assert packets[-1].pts == pytest.approx(60 * 20 * 960 * 1.001, abs=2500)


def test_stretching_keeps_the_sound() -> None:
    for form, planar in (("fltp", True), ("flt", False), ("s16", False), ("s16p", True)):
        frame = av.AudioResampler(form, "stereo", 48_000).resample(tone(0, 1000))[0]
        longer = stretched(frame, 4)
        assert (longer.samples, longer.sample_rate, longer.layout.name) == (1004, 48_000, "stereo")
        wave = longer.to_ndarray()[1]
        expected = 0.3 * np.sin(2 * np.pi * 440 * np.arange(1004) * 999 / 1003 / 48_000)
        assert np.abs(wave - expected).max() < 0.01, (form, planar)


def test_no_encoder() -> None:
    with pytest.raises(EncoderError, match="no encoder"):
        AudioEncoder(AudioSettings(codec=Codec.FLAC))


def _decode(
    encoder: AudioEncoder, packets: list[Packet]
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    decoder = av.AudioCodecContext.create("aac", "r")
    decoder.extradata = encoder.track.config
    blocks = [
        frame.to_ndarray()[0]
        for packet in packets
        for frame in decoder.decode(av.Packet(packet.data))
    ]
    return np.concatenate(blocks).astype(np.float32)
