"""Pictures that go back in time are left out, and all that cannot be decoded without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gamecast.media.forward import ForwardPictures
from gamecast.media.packet import Packet
from tests.support.media import h264_track
from tests.transcode.scenes import flash_and_beep, load, pictures

KEY, REFERENCE, OTHER = 0x65, 0x41, 0x01
"""NAL unit headers: IDR, and slices with and without nal_ref_idc."""


def sent(*order: tuple[int, int]) -> tuple[list[int], bool]:
    """Which presentation times of (NAL unit header, time) go, and whether references did not."""
    forward = ForwardPictures()
    track = h264_track()
    packets = [
        Packet(track, dts, pts, b"\0\0\0\2" + bytes((head, 0x80)), keyframe=head == KEY)
        for dts, (head, pts) in enumerate(order)
    ]
    return [packet.pts for packet in packets if forward.takes(packet)], forward.spoils


def test_pictures_in_order_all_go() -> None:
    assert sent((KEY, 0), (REFERENCE, 1), (OTHER, 2), (REFERENCE, 3)) == ([0, 1, 2, 3], False)


def test_b_frames_that_nothing_refers_to_are_left_out() -> None:
    order = ((KEY, 0), (REFERENCE, 3), (OTHER, 1), (OTHER, 2), (REFERENCE, 6), (OTHER, 4))
    assert sent(*order) == ([0, 3, 6], False)


def test_without_a_reference_nothing_goes_until_the_next_keyframe() -> None:
    pyramid = ((KEY, 0), (REFERENCE, 4), (REFERENCE, 2), (OTHER, 1), (OTHER, 3), (REFERENCE, 8))
    assert sent(*pyramid, (KEY, 9), (REFERENCE, 10)) == ([0, 4, 9, 10], True)


def test_a_keyframe_goes_though_the_clock_was_set_back() -> None:
    assert sent((KEY, 100), (REFERENCE, 101), (KEY, 1), (REFERENCE, 2)) == ([100, 101, 1, 2], False)


def test_a_broken_picture_counts_as_a_reference() -> None:
    forward = ForwardPictures()
    first = Packet(h264_track(), 0, 9, b"\0\0\0\2\x65\x80")
    assert forward.takes(first)
    assert not forward.takes(replace(first, pts=1, data=b"\0\0\0\x09\x41", keyframe=False))
    assert forward.spoils


@pytest.mark.parametrize(("pyramid", "spoils"), [("none", False), ("normal", True)])
def test_what_is_left_decodes_in_order(tmp_path: Path, pyramid: str, spoils: bool) -> None:
    encoder = ["libx264", "-preset", "medium", "-bf", "3", "-g", "30", "-sc_threshold", "0"]
    encoder += ["-x264-params", f"b-pyramid={pyramid}:b-adapt=0:log-level=error"]
    packets = load(flash_and_beep(tmp_path / "a.mp4", seconds=3, video=encoder))
    forward = ForwardPictures()
    left = [packet for packet in packets if forward.takes(packet)]
    assert forward.spoils is spoils
    assert (len(left) == 6) is spoils, "two of each group"
    assert spoils or len(left) > len(packets) // 4
    whole = {seen.pts: seen.brightness for seen in pictures(packets, low_delay=False)}
    shown = [(seen.pts, seen.brightness) for seen in pictures(left, low_delay=False)]
    assert shown == [(packet.pts, whole[packet.pts]) for packet in left]
