"""Configuration records and tiny payloads for tests that need no encoder.

The records are what x264, x265, SVT-AV1 and libvpx wrote for a 320x180 picture; the payloads
carry a true first byte or two and filler behind.
"""

from __future__ import annotations

from gamecast.media.codecs.nal import join_nal_units
from gamecast.media.codecs.tracks import audio_track, video_track
from gamecast.media.track import Codec

AVCC = bytes.fromhex(
    "0164000dffe1001a6764000dacd941419f9f0110000003001000000303c0f142996001000468ef8fcbfdf8f800"
)
HVCC = bytes.fromhex(
    "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003"
    "000003003c959809a10001002b42010101600000030090000003000003003ca00a080b9f796566924caf0168"
    "08000003000800000300f040a2000100074401c172b46240"
)
AV1C = bytes.fromhex("81000c000a0b0200000521e7f66257c802")
VPCC = bytes.fromhex("01000000000b820202020000")
ASC = bytes.fromhex("1190")
"""AAC-LC, 48 kHz, stereo."""
OPUS_HEAD = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"

H264 = video_track(Codec.H264, AVCC)
HEVC = video_track(Codec.HEVC, HVCC)
AV1 = video_track(Codec.AV1, AV1C)
VP9 = video_track(Codec.VP9, VPCC, width=320, height=180)
AAC = audio_track(Codec.AAC, ASC)
OPUS = audio_track(Codec.OPUS, OPUS_HEAD)

H264_IDR = join_nal_units([b"\x65\x88\x84\x00"])
H264_P = join_nal_units([b"\x41\x9a\x24\x6c"])
H264_RECOVERY = join_nal_units([b"\x06\x06\x01\xc4\x80", b"\x41\x9a\x24\x6c"])
HEVC_CRA = join_nal_units([b"\x2a\x01\xaf\x08"])
HEVC_P = join_nal_units([b"\x02\x01\xd0\x09"])
AV1_KEY = bytes.fromhex("0a0b0200000521e7f66257c802") + b"\x32\x03\x10\x00\x80"
AV1_INTER = b"\x32\x03\x30\x00\x80"
VP9_KEY = bytes.fromhex("824983420013f00b360638241c184a000b40")
VP9_INTER = b"\x86\x00\x40\x92"
VP8_KEY = bytes.fromhex("1002019d012a4001b400")
VP8_INTER = b"\x11\x02\x01\x00"
OPUS_20MS = b"\xfc\xff\xfe"
MP3_48K = b"\xff\xfb\x94\x44" + bytes(380)
MP3_44K = b"\xff\xfb\x90\x44" + bytes(414)
