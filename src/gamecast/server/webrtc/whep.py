"""WHEP: from a viewer's offer to a place in the stream's RTP rendition.

draft-ietf-wish-whep; the resource life cycle is that of WHIP (RFC 9725 section 4).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

import structlog

from gamecast.media.track import Codec, Kind, Track
from gamecast.protocols.webrtc.answer import Agreement, OutgoingStream, answer_play
from gamecast.protocols.webrtc.capabilities import find_playable
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.events import Closed, Connected, Event, PairSelected, RtcpReceived
from gamecast.protocols.webrtc.sdp import MediaSection, SessionDescription
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.session import Session
from gamecast.protocols.webrtc.transport import LocalTransport
from gamecast.relay.pace import Pace
from gamecast.relay.stream import Stream
from gamecast.server.convert import MakeConverter
from gamecast.server.webrtc.endpoint import Endpoint, TooMany
from gamecast.server.webrtc.parameters import video_parameters
from gamecast.server.webrtc.rendition import AUDIO_SSRC, RTX_SSRC, VIDEO_SSRC
from gamecast.server.webrtc.source import B_FRAMES_REFUSED, CARRIED, BFrames, WebRtcSource
from gamecast.server.webrtc.variant import Variant
from gamecast.server.webrtc.viewer import WhepViewer

log = structlog.get_logger(__name__)

_FIREFOX = "mozilla"
"""How the username of its SDP begins."""
_FIREFOX_SOUND_DELAY = 0.06
"""Seconds. What Firefox gives libwebrtc for a loudspeaker has no delay: the real one's (buffers of
its mixer, the sound server and the device, 30 to 60 ms) is missing from its lip-sync, which besides
lets sound stay up to 30 ms late."""


class NotPlayable(Exception):
    """The offer and the stream have nothing in common; the message is for the viewer."""


@dataclass(slots=True)
class Started:
    """A session that waits for its peer."""

    session: Session
    answer: str


class WhepPeer:
    """Joins the rendition when the session connects and leaves it when it closes.

    The source expects it in between: it must not be let go of while the viewer connects.
    """

    def __init__(
        self, source: WebRtcSource, stream: Stream, viewer: WhepViewer, endpoint: Endpoint
    ) -> None:
        self._endpoint = endpoint
        self._source = source
        self._stream = stream
        self._viewer = viewer
        self._is_expected = True
        source.expect()

    def handle(self, event: Event, now: float) -> None:
        """From the endpoint."""
        if isinstance(event, RtcpReceived):
            rtp = self._source.rtp
            self._viewer.receive(
                event.packets,
                now=now,
                wall=self._stream.clocks.wall(),
                line=rtp.lines.get(Kind.VIDEO),
                want_keyframe=self._source.want_keyframe,
            )
        elif isinstance(event, PairSelected):
            viewer = self._viewer
            viewer.socket = self._endpoint.path(event.address, viewer.cut_group)
        elif isinstance(event, Connected):
            self._connected()
        elif isinstance(event, Closed):
            self._arrived()
            self._source.leave(self._viewer)
            self._stream.release(WebRtcSource.key(self._source.only))

    def _connected(self) -> None:
        self._arrived()
        if self._stream.ended:
            self._viewer.end("the stream has ended")
            return
        self._source.join(self._viewer)
        log.info("whep.play", channel=self._stream.name, peer=self._viewer.address)

    def _arrived(self) -> None:
        if self._is_expected:
            self._is_expected = False
            self._source.expected()

    def next_timer(self) -> float | None:
        """Nothing to do by itself."""
        return None

    def handle_timer(self, now: float) -> None:
        """Never called."""


class WhepService:
    """Answers offers to watch."""

    def __init__(
        self, endpoint: Endpoint, *, convert: MakeConverter | None, b_frames: BFrames, pace: Pace
    ) -> None:
        """``convert`` makes a converter for a track that RTP cannot carry; ``None``: none."""
        self.endpoint = endpoint
        self._convert = convert
        self._b_frames = b_frames
        self._pace = pace

    async def start(
        self, offer: str, stream: Stream, *, reached_at: str, address: str, software: str = ""
    ) -> Started:
        """Answer an offer. Raises ``WebRtcError`` on a bad one, and :class:`NotPlayable`,
        :class:`TooMany`. Waits while a converter starts, where the stream needs one."""
        if not self.endpoint.admission.has_room(address):
            raise TooMany  # before a converter is started for it
        description = parse_sdp(offer)
        self._refuse_b_frames(description, stream)
        source = self._source(stream, self._substitute(description, stream))
        source.expect()
        try:
            tracks = await source.playable()
            local = self.endpoint.local_transport(reached_at)
            agreement = _agree(description, local, tracks)
            viewer = partial(
                WhepViewer,
                variant=Variant.of(agreement.media),
                address=address,
                software=software,
                since=stream.clocks.wall(),
                sound_delay=_sound_delay(description),
                rtx_ssrc=RTX_SSRC,
            )
            session = self.endpoint.open(
                local,
                agreement,
                lambda session: WhepPeer(
                    source,
                    stream,
                    viewer(session=session, end=partial(self.endpoint.end, session)),
                    self.endpoint,
                ),
                address=address,
            )
            return Started(session, str(agreement.answer))
        finally:
            source.expected()

    def _refuse_b_frames(self, offer: SessionDescription, stream: Stream) -> None:
        if self._b_frames != "refuse" or not any(each.kind == "video" for each in offer.media):
            return  # who asks for sound alone may have it
        for track in stream.main_tracks:
            if track.kind is Kind.VIDEO and stream.meters[track.id].b_frames:
                raise NotPlayable(B_FRAMES_REFUSED)

    def _substitute(self, offer: SessionDescription, stream: Stream) -> Codec | None:
        """What the picture has to become for this viewer; ``None`` if it can have the others'."""
        sections = [each for each in offer.media if each.kind == "video"]
        own = _video_of(stream)
        if own is None or not sections or self._convert is None or self._b_frames != "transcode":
            return None
        if _is_offered(sections, *own):
            return None
        made = (Codec.H264, Codec.VP8)
        return next((codec for codec in made if _is_offered(sections, codec, {})), None)

    def _source(self, stream: Stream, only: Codec | None) -> WebRtcSource:
        return stream.rendition(
            WebRtcSource.key(only),
            lambda: WebRtcSource(
                stream, convert=self._convert, b_frames=self._b_frames, pace=self._pace, only=only
            ),
        )


def _sound_delay(offer: SessionDescription) -> float:
    return _FIREFOX_SOUND_DELAY if offer.username.startswith(_FIREFOX) else 0.0


def _video_of(stream: Stream) -> tuple[Codec, dict[str, str]] | None:
    """What viewers get for a picture who can take any: its codec and parameters."""
    track = next((each for each in stream.main_tracks if each.kind is Kind.VIDEO), None)
    if track is None:
        return None
    if stream.meters[track.id].b_frames or track.codec not in CARRIED:
        return Codec.H264, {}
    return track.codec, video_parameters(track)


def _is_offered(sections: list[MediaSection], codec: Codec, parameters: dict[str, str]) -> bool:
    return any(find_playable(each, codec.value, parameters) is not None for each in sections)


def _agree(offer: SessionDescription, local: LocalTransport, tracks: list[Track]) -> Agreement:
    if not tracks:
        raise NotPlayable("nothing of this stream can be sent by WebRTC")
    try:
        return answer_play(
            offer, local, [outgoing(track) for track in tracks], session_id=_session_id()
        )
    except WebRtcError as error:
        raise NotPlayable(str(error)) from None


def outgoing(track: Track) -> OutgoingStream:
    """A track as an answer describes it."""
    if track.kind is Kind.VIDEO:
        return OutgoingStream(
            kind="video",
            codec=track.codec.value,
            parameters=video_parameters(track),
            ssrc=VIDEO_SSRC,
            rtx_ssrc=RTX_SSRC,
        )
    parameters = {"stereo": "1", "sprop-stereo": "1"} if track.channels > 1 else {}
    return OutgoingStream(
        kind="audio", codec=track.codec.value, parameters=parameters, ssrc=AUDIO_SSRC
    )


def _session_id() -> int:
    return int.from_bytes(os.urandom(7), "big")
