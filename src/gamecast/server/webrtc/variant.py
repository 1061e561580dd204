"""Variant: viewers whose offers led to the same numbers share headers, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from gamecast.packaging.rtp import Frame, JointFrames
from gamecast.protocols.webrtc.answer import AgreedMedia
from gamecast.protocols.webrtc.batch import HeaderLine, PacketBatch, join_all, make_batches
from gamecast.protocols.webrtc.capabilities import ABS_CAPTURE_TIME, ABS_SEND_TIME, PLAYOUT_DELAY
from gamecast.protocols.webrtc.rtcp import ntp_time
from gamecast.protocols.webrtc.rtp import build_extensions

_LONGEST_DELAY = 0.5
"""``playout-delay`` is 0 to 500 ms: play every frame as soon as it is there, and wait for sound.

A maximum of 0 would forbid that: libwebrtc then never delays a picture, and shows it as much before
its sound as the sound spends in the jitter buffer and the encoder (100 to 200 ms). Up to 500 ms it
begins without any delay. Who loses packets gets another minimum, :meth:`Variant.delayed`.
"""


@dataclass(slots=True, frozen=True)
class Line:
    """Payload type and header extension ids of one kind of media; 0 for none."""

    ssrc: int
    payload_type: int
    rtx_payload_type: int
    playout_delay: int
    abs_send_time: int
    abs_capture_time: int = 0
    delay: int = 0
    """Least ``playout-delay`` in steps of 10 ms."""


@dataclass(slots=True, frozen=True, eq=False, weakref_slot=True)
class Variant:
    """What the answers of a group of viewers have in common.

    :meth:`of` gives viewers with equal answers the same object, so that finding their headers takes
    no comparison of numbers, per viewer and frame.
    """

    video: Line | None
    audio: Line | None

    @classmethod
    def of(cls, media: list[AgreedMedia]) -> Variant:
        """From the agreed media of an answer."""
        lines = {each.kind: _line(each) for each in media if each.stream is not None}
        return cls._of(lines.get("video"), lines.get("audio"))

    @classmethod
    def _of(cls, video: Line | None, audio: Line | None) -> Variant:
        known = _known.get((video, audio))
        if known is None:
            known = _known[video, audio] = cls(video, audio)
        return known

    def delayed(self, seconds: float) -> Variant:
        """The same, but players show pictures so much later: time to repair what was lost."""
        video = self.video
        if video is None or not video.playout_delay:
            return self
        return self._of(replace(video, delay=round(seconds * 100)), self.audio)

    def batches(self, frame: Frame | JointFrames) -> list[PacketBatch]:
        """The frame's packets with this variant's headers; made once, empty if it is not taken."""
        made: list[PacketBatch] | None = frame.shared.get(self)
        if made is None:
            made = frame.shared[self] = self._make(frame)
        return made

    def _make(self, frame: Frame | JointFrames) -> list[PacketBatch]:
        if isinstance(frame, JointFrames):
            frames = [*frame.pictures, *frame.sounds]
            return join_all([batch for each in frames for batch in self.batches(each)])
        line = self.video if frame.is_video else self.audio
        return _make(frame, line) if line is not None else []


_known: WeakValueDictionary[tuple[Line | None, Line | None], Variant] = WeakValueDictionary()
"""Variants that viewers have now; peers choose the numbers, so none may outlive its viewers."""


def _line(media: AgreedMedia) -> Line:
    assert media.stream is not None
    return Line(
        ssrc=media.stream.ssrc,
        payload_type=media.payload_type,
        rtx_payload_type=media.rtx_payload_type or 0,
        playout_delay=media.extensions.get(PLAYOUT_DELAY, 0),
        abs_send_time=media.extensions.get(ABS_SEND_TIME, 0),
        abs_capture_time=media.extensions.get(ABS_CAPTURE_TIME, 0),
    )


def _make(frame: Frame, line: Line) -> list[PacketBatch]:
    elements = {}
    if line.abs_send_time:
        elements[line.abs_send_time] = abs_send_time(frame.wall)
    if line.playout_delay and frame.is_video:
        elements[line.playout_delay] = _playout_delay(line.delay)
    if line.abs_capture_time:
        # Players read it from a frame's first packet; in all of them it keeps their sizes equal.
        elements[line.abs_capture_time] = abs_capture_time(frame.wall)
    header = HeaderLine(
        ssrc=line.ssrc,
        payload_type=line.payload_type,
        extension_block=build_extensions(elements) if elements else b"",
    )
    return make_batches(
        frame.payloads,
        header,
        first_sequence=frame.first_sequence,
        timestamp=frame.timestamp,
        # Opus frames have no marker (RFC 7587 section 4.1): it would mean a talk spurt.
        marker=frame.is_video,
    )


def _playout_delay(least: int) -> bytes:
    """Least and greatest delay in 12 bits each."""
    return (least << 12 | round(_LONGEST_DELAY * 100)).to_bytes(3, "big")


def abs_capture_time(wall: float) -> bytes:
    """When the frame came into the program, by our clock: an NTP timestamp without clock offset."""
    return ntp_time(wall).to_bytes(8, "big")


def abs_send_time(wall: float) -> bytes:
    """Seconds in 6.18 fixed point, modulo 64 s."""
    return (int(wall * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")
