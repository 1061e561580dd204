"""VP8 (RFC 7741) and VP9 (RFC 9628) payload descriptors by the letter."""

from __future__ import annotations

import pytest

from gamecast.media.errors import MediaError
from gamecast.media.payloads.vp8 import Vp8Depacketizer, Vp8Packetizer
from gamecast.media.payloads.vp9 import Vp9Depacketizer, Vp9Packetizer

VP9_KEYFRAME = bytes.fromhex("824983420031f0") + bytes(100)
VP9_INTER = bytes.fromhex("86004092") + bytes(100)


def test_vp8_counts_its_pictures() -> None:
    packetizer = Vp8Packetizer(mtu=64, first_picture_id=0x7FFF)
    first, second = packetizer.packetize(b"x" * 100)
    assert (first[:4], second[:4]) == (b"\x90\x80\xff\xff", b"\x80\x80\xff\xff")
    (other,) = packetizer.packetize(b"y")
    assert other == b"\x90\x80\x80\x00y"


@pytest.mark.parametrize(
    "descriptor",
    [
        b"\x10",
        b"\x90\x00",
        b"\x90\x80\x05",  # 7-bit picture id
        b"\x90\x80\x85\x01",  # 15-bit picture id
        b"\x90\xc0\x05\x01",  # and TL0PICIDX
        b"\x90\xf0\x85\x01\x02\x03",  # and TID, KEYIDX
        b"\x90\x20\x03",
    ],
)
def test_vp8_descriptors_are_skipped(descriptor: bytes) -> None:
    (unit,) = Vp8Depacketizer().write(descriptor + b"frame", timestamp=1, marker=True)
    assert unit.data == b"frame"
    with pytest.raises(MediaError):
        Vp8Depacketizer().write(descriptor, timestamp=1, marker=True)


def test_vp9_says_what_refers_to_others() -> None:
    packetizer = Vp9Packetizer(mtu=64)
    key, inter = packetizer.packetize(VP9_KEYFRAME), packetizer.packetize(VP9_INTER)
    assert [payload[0] for payload in key] == [0x88, 0x84]
    assert [payload[0] for payload in inter] == [0xC8, 0xC4]
    assert [payload[1:3] for payload in key + inter] == [b"\x80\x00"] * 2 + [b"\x80\x01"] * 2
    with pytest.raises(MediaError):
        packetizer.packetize(b"\x00nonsense")


@pytest.mark.parametrize(
    "descriptor",
    [
        b"\x0c",
        b"\x8c\x05",
        b"\x8c\x85\x01",
        b"\xac\x05\x00\x07",  # layer indices with TL0PICIDX
        b"\xfc\x85\x01\x00\x03\x02",  # flexible mode with two references
        # Structure: one size, one picture with three references.
        b"\x8e\x05\x18\x01\x40\x00\xf0\x01\x0c\x01\x02\x03",
        b"\x0e\x00",  # an empty structure
    ],
)
def test_vp9_descriptors_are_skipped(descriptor: bytes) -> None:
    (unit,) = Vp9Depacketizer().write(descriptor + b"frame", timestamp=1, marker=True)
    assert unit.data == b"frame"
    with pytest.raises(MediaError):
        Vp9Depacketizer().write(descriptor, timestamp=1, marker=True)


def test_vp9_with_too_many_references_is_refused() -> None:
    with pytest.raises(MediaError):
        Vp9Depacketizer().write(b"\x5c\x03\x03\x03\x03x", timestamp=1, marker=True)
