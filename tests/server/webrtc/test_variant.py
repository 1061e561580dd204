"""Variants: one object for equal answers, none without viewers."""

from __future__ import annotations

import gc
import weakref

from gamecast.packaging.rtp import Frame
from gamecast.protocols.webrtc.answer import AgreedMedia, OutgoingStream
from gamecast.protocols.webrtc.capabilities import ABS_CAPTURE_TIME, PLAYOUT_DELAY
from gamecast.protocols.webrtc.rtp import parse_rtp
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


def test_viewers_who_need_time_for_repairs_share_a_variant_of_their_own() -> None:
    media = agreed(96)
    media[0].extensions = {PLAYOUT_DELAY: 5}
    at_once = Variant.of(media)
    later = at_once.delayed(0.25)
    assert later is not at_once
    assert later is at_once.delayed(0.25)
    assert later.delayed(0.0) is at_once
    frame = Frame([b"picture"], 0, 0, True, True, 0.0, 7)
    delays = [
        parse_rtp(batch.headers[0] + batch.payloads[0]).extensions[5]
        for variant in (at_once, later)
        for batch in variant.batches(frame)
    ]
    assert delays == [bytes((0, 0, 50)), bytes((1, 0x90, 50))], "0 and 250 ms, to 500 ms"


def test_the_time_of_capture_is_in_every_packet_of_a_frame() -> None:
    """``abs-capture-time`` in its short form: UQ32.32 seconds since 1900, where it was offered."""
    media = agreed(96)
    media[0].extensions = {ABS_CAPTURE_TIME: 13}
    frame = Frame([b"a" * 1100, b"b" * 1100, b"c"], 0, 0, True, True, 1_700_000_000.5, 2201)
    (batch,) = Variant.of(media).batches(frame)
    times = {parse_rtp(header + b"x").extensions[13] for header in batch.headers}
    assert times == {(1_700_000_000 + 2_208_988_800).to_bytes(4, "big") + b"\x80\0\0\0"}
    sizes = {len(h) + len(p) for h, p in zip(batch.headers, batch.payloads, strict=True)}
    assert len(sizes) == 2, "all but the last of one size, for GSO"
    assert not parse_rtp(Variant.of(agreed(98)).batches(frame)[0].headers[0] + b"x").extensions


def test_a_viewer_without_the_extension_keeps_its_variant() -> None:
    variant = Variant.of(agreed(96))
    assert variant.delayed(0.25) is variant
