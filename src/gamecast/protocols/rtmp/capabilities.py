"""Enhanced RTMP capabilities in ``connect`` and its answer.

Source: Veovera, "Enhanced RTMP (V2)", "Enhancing NetConnection connect Command".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag

from gamecast.amf import Value
from gamecast.protocols.rtmp.commands import finite

_MAX_CODECS = 64


class CapsEx(IntFlag):
    """Bits of ``capsEx``."""

    RECONNECT = 1
    MULTITRACK = 2
    MOD_EX = 4
    TIMESTAMP_NANO_OFFSET = 8


class CodecInfo(IntFlag):
    """Bits of the values of ``videoFourCcInfoMap`` and ``audioFourCcInfoMap``."""

    CAN_DECODE = 1
    CAN_ENCODE = 2
    CAN_FORWARD = 4


def _forward(*codes: str) -> dict[str, int]:
    return dict.fromkeys(codes, int(CodecInfo.CAN_FORWARD))


@dataclass(slots=True, kw_only=True)
class Capabilities:
    """What one side says that it can do; the default is what our server passes on."""

    video: dict[str, int] = field(
        default_factory=lambda: _forward("avc1", "hvc1", "av01", "vp09", "vp08")
    )
    audio: dict[str, int] = field(
        default_factory=lambda: _forward("mp4a", "Opus", "fLaC", "ac-3", "ec-3", ".mp3")
    )
    caps_ex: int = CapsEx.RECONNECT | CapsEx.MULTITRACK | CapsEx.MOD_EX

    def properties(self) -> dict[str, object]:
        """The properties to put into ``connect`` or its ``_result``."""
        return {
            "fourCcList": [*self.video, *self.audio],
            "videoFourCcInfoMap": dict(self.video),
            "audioFourCcInfoMap": dict(self.audio),
            "capsEx": int(self.caps_ex),
        }


def parse_four_cc_list(value: Value) -> list[str]:
    """``fourCcList`` as strings; what does not fit is left out."""
    if not isinstance(value, list):
        return []
    return [item for item in value[:_MAX_CODECS] if isinstance(item, str) and len(item) <= 4]


def parse_info_map(value: Value) -> dict[str, int]:
    """``videoFourCcInfoMap`` or ``audioFourCcInfoMap``; what does not fit is left out."""
    if not isinstance(value, Mapping):
        return {}
    codes = [code for code in list(value)[:_MAX_CODECS] if len(code) <= 4]
    return {code: parse_flags(value[code]) for code in codes}


def parse_flags(value: Value) -> int:
    """A number that is a sum of flags; 0 where it is none."""
    number = finite(value, 0.0)
    return int(number) if 0 <= number <= 0xFFFFFFFF else 0
