"""Variants: one object for equal answers, none without viewers."""

from __future__ import annotations

import gc
import weakref

from gamecast.protocols.webrtc.answer import AgreedMedia, OutgoingStream
from gamecast.server.webrtc.variant import Variant


def agreed(payload_type: int) -> list[AgreedMedia]:
    """The video of an answer."""
    stream = OutgoingStream(kind="video", codec="h264", ssrc=1, rtx_ssrc=2)
    return [
        AgreedMedia(
            mid="0",
            kind="video",
            codec="h264",
            payload_type=payload_type,
            clock_rate=90_000,
            rtx_payload_type=payload_type + 1,
            extensions={},
            feedback=[],
            stream=stream,
        )
    ]


def test_equal_answers_share_a_variant() -> None:
    assert Variant.of(agreed(96)) is Variant.of(agreed(96))
    assert Variant.of(agreed(96)) is not Variant.of(agreed(98))


def test_a_variant_does_not_outlive_its_viewers() -> None:
    variant = Variant.of(agreed(120))
    gone = weakref.ref(variant)
    del variant
    gc.collect()
    assert gone() is None
