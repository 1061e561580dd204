from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.amf import Date, EcmaArray, Undefined, amf0
from gamecast.media.containers.flv import metadata
from gamecast.media.track import Color
from tests.media.containers.samples import AAC, AV1, H264, OPUS


def test_scalars_are_kept_and_all_else_is_left_out() -> None:
    sent: dict[str, Any] = {
        "width": 1920,
        "encoder": "x",
        "stereo": True,
        "nan": math.nan,
        "huge": math.inf,
        "nested": {"a": 1},
        "list": [1],
        "none": None,
        "date": Date(0),
        "undefined": Undefined.VALUE,
        "long": "x" * 2000,
        "n" * 100: 1,
        "__proto__": "p",
    }
    expected = {"width": 1920.0, "encoder": "x", "stereo": True, "__proto__": "p"}
    for data in (
        amf0.encode("onMetaData", sent),
        amf0.encode("@setDataFrame", "onMetaData", EcmaArray(sent)),
    ):
        assert metadata.parse_script(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        amf0.encode("onMetaData"),
        amf0.encode("onMetaData", 5),
        amf0.encode("onTextData", {"text": "hello"}),
        amf0.encode("@setDataFrame"),
        amf0.encode("onMetaData", {"a": 1})[:-4],
    ],
)
def test_messages_that_are_no_metadata(data: bytes) -> None:
    assert metadata.parse_script(data) is None


def test_the_number_of_properties_is_bounded() -> None:
    data = amf0.encode("onMetaData", {str(number): number for number in range(2000)})
    parsed = metadata.parse_script(data)
    assert parsed is not None
    assert len(parsed) == 128


def test_a_keyframe_index_does_not_spoil_the_rest() -> None:
    index = {"times": [0.0] * 5000, "filepositions": [0.0] * 5000}
    data = amf0.encode("onMetaData", {"keyframes": index, "width": 640})
    assert metadata.parse_script(data) == {"width": 640.0}


def test_color_info() -> None:
    config = {"colorPrimaries": 9, "transferCharacteristics": 16, "matrixCoefficients": 9}
    assert metadata.parse_color(amf0.encode("colorInfo", {"colorConfig": config})) == Color(
        9, 16, 9
    )
    partial = {"colorPrimaries": 9, "transferCharacteristics": -1, "matrixCoefficients": "x"}
    assert metadata.parse_color(amf0.encode("colorInfo", {"colorConfig": partial})) == Color(
        9, 2, 2
    )
    nothings: list[object] = [{}, {"colorConfig": {}}, {"colorConfig": 1}, Undefined.VALUE]
    for nothing in nothings:
        assert metadata.parse_color(amf0.encode("colorInfo", nothing)) is None
    assert metadata.parse_color(b"\x03") is None


def test_players_are_told_codecs_and_sizes() -> None:
    described = metadata.describe([H264, AAC], {"encoder": "gamecast"})
    assert type(described) is EcmaArray
    assert described == {
        "encoder": "gamecast",
        "videocodecid": 7.0,
        "width": 320.0,
        "height": 180.0,
        "framerate": 30.0,
        "audiocodecid": 10.0,
        "audiosamplerate": 48000.0,
        "audiosamplesize": 16.0,
        "audiochannels": 2.0,
        "stereo": True,
    }
    enhanced = metadata.describe([AV1, OPUS])
    assert enhanced["videocodecid"] == 1635135537.0
    assert enhanced["audiocodecid"] == 1332770163.0
    assert "framerate" not in enhanced


@settings(max_examples=100)
@given(st.binary(max_size=100))
def test_nothing_escapes(data: bytes) -> None:
    metadata.parse_color(data)
    metadata.parse_script(data)
    metadata.parse_script(amf0.encode("onMetaData") + data)
