from __future__ import annotations

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import aac
from gamecast.media.codecs.aac import parse_audio_specific_config as parse
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import Sample, configs, mutated
from tests.media.codecs.test_bits import pack

SAMPLES = configs("aac")

# HE-AAC as the usual encoders write it: explicit, implicit, with and without parametric stereo
HE_AAC = "2b118800"
HE_AAC_COMPATIBLE = "131056e598"
HE_AAC_V2 = "eb098800"
HE_AAC_V2_COMPATIBLE = "138856e5a54880"


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_ffprobe_agrees(sample: Sample) -> None:
    config = parse(sample.config)
    assert config.sample_rate == int(sample.probe["sample_rate"])
    assert config.channels == sample.probe["channels"]
    assert (config.object_type, config.samples_per_frame, config.sbr) == (2, 1024, False)
    assert config.codec_string == "mp4a.40.2"


def test_channels_are_counted_from_a_program_config() -> None:
    by_name = {sample.name: parse(sample.config) for sample in SAMPLES}
    assert (by_name["aac 2.1"].channel_config, by_name["aac 2.1"].channels) == (0, 3)


@pytest.mark.parametrize(
    ("data", "core", "heard", "channels", "name"),
    [
        (HE_AAC, 24000, 48000, 2, "mp4a.40.5"),
        (HE_AAC_COMPATIBLE, 24000, 48000, 2, "mp4a.40.5"),
        (HE_AAC_V2, 24000, 48000, 2, "mp4a.40.29"),
        (HE_AAC_V2_COMPATIBLE, 22050, 44100, 2, "mp4a.40.29"),
        ("119056e500", 48000, 48000, 2, "mp4a.40.2"),
    ],
)
def test_spectral_band_replication(
    data: str, core: int, heard: int, channels: int, name: str
) -> None:
    config = parse(bytes.fromhex(data))
    assert (config.sample_rate, config.output_sample_rate) == (core, heard)
    assert (config.object_type, config.channels, config.samples_per_frame) == (2, channels, 1024)
    assert config.codec_string == name


@pytest.mark.parametrize(
    "data",
    [HE_AAC, HE_AAC_COMPATIBLE, HE_AAC_V2, HE_AAC_V2_COMPATIBLE, "1208", "11b8", "b98c0000"]
    + [sample.config.hex() for sample in SAMPLES],
)
def test_libavcodec_counts_the_same_channels(data: str) -> None:
    context = av.CodecContext.create("aac", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.extradata = bytes.fromhex(data)
    context.open()
    assert parse(bytes.fromhex(data)).channels == context.layout.nb_channels


def test_a_cut_extension_is_plain_aac() -> None:
    config = parse(bytes.fromhex("131056e5"))
    assert (config.sbr, config.sample_rate, config.codec_string) == (False, 24000, "mp4a.40.2")


@pytest.mark.parametrize(
    ("bits", "samples"),
    [
        (f"{2:05b}" + "0011" + "0010" + "100", 960),
        (f"{2:05b}" + "0011" + "0010" + "010" + "0" * 14, 1024),  # dependsOnCoreCoder
        (f"{23:05b}" + "0011" + "0010" + "000", 512),
        (f"{23:05b}" + "0011" + "0010" + "100", 480),
        ("11111" + f"{39 - 32:06b}" + "0011" + "0010" + "0", 512),
        ("11111" + f"{39 - 32:06b}" + "0011" + "0010" + "1", 480),
        ("11111" + f"{42 - 32:06b}" + "0011" + "0010" + "0", 0),  # USAC says it elsewhere
    ],
)
def test_frame_lengths(bits: str, samples: int) -> None:
    assert parse(pack(bits)).samples_per_frame == samples


def test_escaped_sample_rate() -> None:
    config = parse(pack(f"{2:05b}" + "1111" + f"{44056:024b}" + "0010" + "000"))
    assert (config.sample_rate, config.channels) == (44056, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x11",
        bytes(513),
        pack(f"{2:05b}" + "1101" + "0010" + "000"),  # reserved rates 13 and 14
        pack(f"{2:05b}" + "1110" + "0010" + "000"),
        pack(f"{2:05b}" + "1111" + f"{0:024b}" + "0010" + "000"),
        pack(f"{2:05b}" + "1111" + f"{0xFFFFFF:024b}" + "0010" + "000"),
        pack(f"{2:05b}" + "0011" + "1000" + "000"),  # reserved channel layouts
        pack(f"{2:05b}" + "0011" + "1111" + "000"),
        pack(f"{2:05b}" + "0011" + "0000" + "000"),  # a PCE that is not there
        pack(f"{2:05b}" + "0011" + "0000" + "000" + "0" * 40),  # a PCE without channels
    ],
)
def test_a_broken_config_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        parse(data)


@pytest.mark.parametrize("rate", [*aac.SAMPLE_RATES, 44056])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 7, 8])
def test_what_is_built_is_read_back(rate: int, channels: int) -> None:
    config = parse(aac.build_audio_specific_config(rate, channels))
    assert (config.sample_rate, config.channels, config.object_type) == (rate, channels, 2)
    assert config.samples_per_frame == 1024


def test_the_plain_config_has_its_well_known_bytes() -> None:
    assert aac.build_audio_specific_config(44100, 2) == b"\x12\x10"
    assert aac.build_audio_specific_config(48000, 2) == b"\x11\x90"


@pytest.mark.parametrize(("rate", "channels"), [(48000, 0), (48000, 9), (0, 2), (400000, 2)])
def test_what_cannot_be_said_is_not_built(rate: int, channels: int) -> None:
    with pytest.raises(MediaError):
        aac.build_audio_specific_config(rate, channels)


@settings(max_examples=300)
@given(mutated([s.config for s in SAMPLES] + [bytes.fromhex(HE_AAC_V2)]) | st.binary(max_size=40))
def test_any_config_is_parsed_within_bounds_or_refused(data: bytes) -> None:
    try:
        config = parse(data)
    except MediaError:
        return
    assert 1000 <= config.sample_rate <= 192_000
    assert 1 <= config.channels <= 96
    assert 0 <= config.samples_per_frame <= 1024
