from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gamecast.amf import amf0
from gamecast.protocols.rtmp.capabilities import (
    Capabilities,
    CapsEx,
    parse_flags,
    parse_four_cc_list,
    parse_info_map,
)


def test_properties_name_every_codec_and_encode() -> None:
    properties = Capabilities().properties()
    (read,) = amf0.decode(amf0.encode(properties))
    assert isinstance(read, dict)
    names = parse_four_cc_list(read["fourCcList"])
    assert {"avc1", "hvc1", "av01", "vp09", "mp4a", "Opus"} <= set(names)
    assert "*" not in names
    video, audio = (
        parse_info_map(read["videoFourCcInfoMap"]),
        parse_info_map(read["audioFourCcInfoMap"]),
    )
    assert [*video, *audio] == names
    assert set(video.values()) == {4}
    assert parse_flags(read["capsEx"]) == (CapsEx.RECONNECT | CapsEx.MULTITRACK | CapsEx.MOD_EX)


def test_what_does_not_fit_is_left_out() -> None:
    assert parse_four_cc_list(["hvc1", 5.0, "toolong", "*"]) == ["hvc1", "*"]
    assert parse_four_cc_list("hvc1") == []
    assert parse_four_cc_list(["av01"] * 1000) == ["av01"] * 64
    assert parse_info_map({"hvc1": 3.0, "toolong": 1.0, "av01": "x"}) == {"hvc1": 3, "av01": 0}
    assert parse_info_map(None) == {}


@given(value=st.floats(allow_nan=True, allow_infinity=True) | st.text() | st.none())
def test_flags_are_small_numbers(value: float | str | None) -> None:
    assert 0 <= parse_flags(value) <= 0xFFFFFFFF
