"""Encoders are tried in order, and every one has options that FFmpeg knows."""

from __future__ import annotations

import av
import pytest

from gamecast.media.track import Codec
from gamecast.transcode.encoder_choice import candidates, encoder_threads, options
from gamecast.transcode.recipes import Profile, VideoRecipe

SOFTWARE = "libx264"
HARDWARE = ["h264_nvenc", "h264_qsv", "h264_amf"]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_software_is_tried_last(platform: str) -> None:
    tried = candidates(VideoRecipe(), platform)
    assert tried[-1] == SOFTWARE
    assert len(tried) > 1
    assert ("h264_videotoolbox" in tried) == (platform == "darwin")


def test_a_named_encoder_has_software_behind_it() -> None:
    assert candidates(VideoRecipe(encoder="h264_nvenc")) == ("h264_nvenc", SOFTWARE)
    assert candidates(VideoRecipe(encoder=SOFTWARE)) == (SOFTWARE,)


def test_vp8_is_made_by_software_everywhere() -> None:
    assert candidates(VideoRecipe(codec=Codec.VP8), "win32") == ("libvpx",)


def test_there_are_two_codecs_to_make() -> None:
    with pytest.raises(ValueError, match="hevc"):
        VideoRecipe(codec=Codec.HEVC)


@pytest.mark.parametrize("encoder", [*HARDWARE, SOFTWARE])
@pytest.mark.parametrize("profile", list(Profile))
def test_the_options_exist(encoder: str, profile: Profile) -> None:
    if encoder not in av.codecs_available:
        pytest.skip(f"no {encoder} in this build of PyAV")
    known = av.CodecContext.create(encoder, "w").supported_options
    choices = {
        option.name: {choice.name for choice in option.choices}
        for option in (*known.generic, *known.private)
    }
    chosen = options(encoder, VideoRecipe(profile=profile), 2_000_000, 1280 * 720)
    assert set(chosen) <= set(choices)
    for name, value in chosen.items():
        assert value.isdecimal() or not choices[name] or value in choices[name], name


def test_the_options_of_vp8_exist() -> None:
    known = av.CodecContext.create("libvpx", "w").supported_options
    names = {option.name for option in (*known.generic, *known.private)}
    chosen = options("libvpx", VideoRecipe(codec=Codec.VP8, threads=2), 2_000_000, 1280 * 720)
    assert set(chosen) <= names
    assert chosen["threads"] == "2"


def test_threads_are_bounded() -> None:
    assert 1 <= encoder_threads() <= 4
    chosen = options(SOFTWARE, VideoRecipe(threads=3), 2_000_000, 1280 * 720)
    assert chosen["threads"] == "3"
