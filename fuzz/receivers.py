"""Targets that remember: what one peer sends in a row meets what its earlier bytes have left.

The pieces of an input are datagrams. Those of ``whip_publisher`` and ``srtp_receiver`` are taken as
authentic: a publisher has the keys, and may be hostile all the same.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import cast

from fuzz.pieces import pieces
from gamecast.media.errors import MediaError
from gamecast.protocols.webrtc.answer import AgreedMedia
from gamecast.protocols.webrtc.capabilities import MID, REPAIRED_RID, RID, TRANSPORT_CC
from gamecast.protocols.webrtc.certificate import Certificate, generate_certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import make_context
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.events import Connected, RtcpReceived, RtpReceived
from gamecast.protocols.webrtc.framing import MAX_FRAME, FrameReader
from gamecast.protocols.webrtc.ice import IceLiteAgent
from gamecast.protocols.webrtc.media_receiver import MediaReceiver
from gamecast.protocols.webrtc.rtcp import RtcpPacket, parse_rtcp
from gamecast.protocols.webrtc.rtp import parse_rtp, rtp_header_size
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.srtp import SrtpReceiver, SrtpSender
from gamecast.protocols.webrtc.srtp_keys import SrtpKeys, SrtpProfile
from gamecast.relay.directory import Directory
from gamecast.relay.stream import Clocks, Ingest, StreamLimits
from gamecast.server.auth_answers import Grant
from gamecast.server.webrtc.endpoint import Endpoint
from gamecast.server.webrtc.whip import WhipPublisher

PEER, STRANGER = ("198.51.100.7", 40_000), ("203.0.113.66", 5555)
OURS = IceCredentials("ours", "o" * 24)
THEIRS = IceCredentials("theirs", "t" * 24)
MOST_FEEDBACK = 2048
"""Bytes of RTCP that may answer one datagram: reports of 31 sources and a few hundred NACKs."""
_RTP, _RTCP, _TIME, _WISH = range(4)
_EXTENSIONS = {MID: 1, RID: 2, REPAIRED_RID: 3, TRANSPORT_CC: 4}
_FEEDBACK = ["nack", "nack pli", "transport-cc"]


def offered(*, layers: bool) -> list[AgreedMedia]:
    """What a publisher and we have agreed on: a picture, with or without layers, and sound."""
    video = AgreedMedia(
        mid="0",
        kind="video",
        codec="h264",
        payload_type=96,
        clock_rate=90_000,
        rtx_payload_type=97,
        extensions=dict(_EXTENSIONS),
        feedback=list(_FEEDBACK),
        rids=["h", "l"] if layers else [],
        ssrcs=[] if layers else [5],
        rtx_of={} if layers else {6: 5},
    )
    audio = AgreedMedia(
        mid="1",
        kind="audio",
        codec="opus",
        payload_type=111,
        clock_rate=48_000,
        rtx_payload_type=None,
        extensions=dict(_EXTENSIONS),
        feedback=["transport-cc"],
    )
    return [video, audio]


class _Connected:
    """As much of a session and of its endpoint as a publisher that is on air asks for."""

    is_connected = True
    heard_at = 0.0
    ended = ""

    def __init__(self) -> None:
        self.sent = 0

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> None:
        self.sent += sum(len(packet.to_bytes()) for packet in packets)

    def end(self, session: object, reason: str) -> None:
        self.ended = reason


class Publishing:
    """A publisher by WHIP from its authentic packets to the hub; time stands unless it is moved."""

    def __init__(self, *, layers: bool) -> None:
        self.now = 0.0
        self.link = _Connected()
        self.publisher = WhipPublisher(
            cast("Session", self.link),
            cast("Endpoint", self.link),
            MediaReceiver(offered(layers=layers), ssrc=1, now=0.0),
            software="",
            address=PEER[0],
            grant=Grant(channel="main", title="", key_id=None, credential="key"),
            claim=self._claim,
        )
        clocks = Clocks(monotonic=lambda: self.now, wall=lambda: self.now)
        self._directory = Directory(clocks=clocks, limits=StreamLimits())
        self.publisher.handle(Connected(SrtpProfile.AEAD_AES_128_GCM), self.now)

    def _claim(self, publisher: WhipPublisher) -> Ingest:
        return self._directory.publish("main", title="", publisher=publisher)

    def take(self, kind: int, content: bytes) -> None:
        """One piece: RTP, RTCP, time that passes (in 10 ms), or a viewer's wish for a keyframe."""
        if kind == _RTP:
            self.publisher.handle(RtpReceived([parse_rtp(content)]), self.now)
        elif kind == _RTCP:
            self.publisher.handle(RtcpReceived(parse_rtcp(content)), self.now)
        elif kind == _TIME:
            self.now += content[0] / 100 if content else 0.01
            self.link.heard_at = self.now
        elif kind == _WISH:
            self.publisher.request_keyframe()

    def wake(self) -> None:
        """The timer; its answers are small, and it does not ask to be woken at once again."""
        before = self.link.sent
        self.publisher.handle_timer(self.now)
        assert self.link.sent - before <= MOST_FEEDBACK
        self.publisher.handle_timer(self.now)
        timer = self.publisher.next_timer()
        assert timer is None or timer > self.now


def whip_publisher(data: bytes) -> None:
    """Authentic but hostile RTP and RTCP, all the way into the hub."""
    publishing = Publishing(layers=data[:1] == b"\1")
    for kind, content in pieces(data[1:]):
        try:
            publishing.take(kind % 4, content)
        except (WebRtcError, MediaError):
            continue
        publishing.wake()
        if publishing.link.ended:
            return


@functools.cache
def _certificate() -> Certificate:
    return generate_certificate(1.8e9)


def webrtc_session(data: bytes) -> None:
    """Datagrams of anybody: the peer's address, a stranger's, and time between them."""
    certificate = _certificate()
    context = make_context(certificate)
    dtls = DtlsParameters(context=context, is_client=False, fingerprints=[certificate.fingerprint])
    session, now = Session(IceLiteAgent(OURS, THEIRS.ufrag), dtls, now=0.0), 0.0
    for kind, datagram in pieces(data):
        now += (kind >> 1) / 100
        session.receive_datagram(datagram, (PEER, STRANGER)[kind & 1], now)
        session.handle_timer(now)
        sent = session.datagrams_to_send()
        assert not sent or session.selected or session.closed_reason, "an answer to a stranger"
        timer = session.next_timer()
        assert timer is None or timer >= now or session.closed_reason
    assert not session.is_connected, "nobody has shown the certificate"


def srtp_receiver(data: bytes) -> None:
    """One whose peer has the keys: pieces of an even kind are sealed as they are, others forged."""
    profile = list(SrtpProfile)[(data[:1] or b"\0")[0] % 3]
    material = bytes(range(2 * (profile.key_size + profile.salt_size)))
    sender = SrtpSender(SrtpKeys.from_exporter(material, profile, is_client=True))
    receiver = SrtpReceiver(SrtpKeys.from_exporter(material, profile, is_client=False))
    for kind, packet in pieces(data[1:]):
        size = rtp_header_size(packet)
        if kind & 2:
            plain = receiver.unprotect_rtcp(_sealed_rtcp(sender, kind, packet))
            assert kind & 1 == 0 or plain is None, "a forgery is believed"
        elif size and kind & 1 == 0:
            receiver.unprotect_all([sender.protect(packet[:size], packet[size:])])
        else:
            assert not receiver.unprotect_all([packet]), "a forgery is believed"


def _sealed_rtcp(sender: SrtpSender, kind: int, packet: bytes) -> bytes:
    return packet if kind & 1 or len(packet) < 8 else sender.protect_rtcp(packet)


def ice_tcp_frames(data: bytes) -> None:
    """A stream cut anywhere gives the same frames, and no frame is longer than it may be."""
    whole, pieced = FrameReader(), FrameReader()
    frames = whole.receive_data(data)
    step = 1 + len(data) % 7
    cut = [data[at : at + step] for at in range(0, len(data), step)]
    assert [each for part in cut for each in pieced.receive_data(part)] == frames
    assert all(len(each) <= MAX_FRAME for each in frames)


RECEIVERS = {
    "whip_publisher": whip_publisher,
    "webrtc_session": webrtc_session,
    "srtp_receiver": srtp_receiver,
    "ice_tcp_frames": ice_tcp_frames,
}
