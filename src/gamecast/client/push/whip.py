"""WhipDestination: publishes to one WHIP server (RFC 9725) and keeps at it.

Our agent makes the checks of ICE itself, so a server with a public address learns ours from them:
the STUN and TURN servers that ``Link`` headers may name are not needed and not asked.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

from gamecast.client.push.destination import Metadata
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.uplink import LinkError, UplinkDestination, key_refused
from gamecast.client.push.whip_http import HttpError, Request, Response, fetch, joined
from gamecast.client.push.whip_link import Hooks, Ways, WhipLink
from gamecast.client.push.whip_path import LocalPath, may_be_sent_to
from gamecast.client.push.whip_target import WhipTarget
from gamecast.client.push.whip_tcp import PATIENCE, TcpFallback, tcp_addresses
from gamecast.media.errors import MediaError
from gamecast.media.payloads.base import Packetizer
from gamecast.media.payloads.formats import make_packetizer
from gamecast.media.track import Codec, Kind, Track
from gamecast.protocols.webrtc.answer import Agreement, OutgoingStream
from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.certificate import generate_certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import make_context
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.ice_client import IceClientAgent
from gamecast.protocols.webrtc.media_sender import MediaSender
from gamecast.protocols.webrtc.offer import accept_answer, publish_offer
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.transport import LocalTransport

_SDP = "application/sdp"
_UNKNOWN_BITRATE = 6_000_000
"""Of a file that is passed on as it is."""


class WhipDestination(UplinkDestination):
    """An uplink over WebRTC."""

    def __init__(
        self,
        target: WhipTarget,
        network: NetworkThread,
        *,
        on_change: Callable[[], None],
        on_keyframe: Callable[[], None],
        keep_trying: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """As ``UplinkDestination``; ``on_keyframe`` is called when the server wants a keyframe."""
        super().__init__(target.shown, network, on_change=on_change, keep_trying=keep_trying)
        self._target = target
        self._on_keyframe = on_keyframe
        self._tls = tls
        self._certificate = generate_certificate(time.time())
        self._context = make_context(self._certificate)
        self._tracks: Sequence[Track] = ()
        self._bitrate = float(_UNKNOWN_BITRATE)
        self._by_tcp = False
        """The last session was over TCP: the next need not wait for UDP to fail again."""

    def _prepare(self, tracks: Sequence[Track], metadata: Metadata) -> None:
        self._tracks = tracks
        rates = [metadata.get("videodatarate"), metadata.get("audiodatarate")]
        known = sum(float(rate) for rate in rates if rate is not None)
        self._bitrate = known * 1000 or float(_UNKNOWN_BITRATE)

    def _scrub(self, text: str) -> str:
        return self._target.scrub(text)

    def _ssl(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()

    async def _open(self) -> WhipLink:
        packetizers = self._packetizers()
        path = await LocalPath.towards(urlsplit(self._target.url).hostname or "")
        try:
            link = await self._negotiate(path, packetizers)
        except BaseException:
            path.close()
            raise
        try:
            await link.started
        except BaseException:
            link.abort()
            raise
        self._by_tcp = link.is_tcp
        return link

    def _packetizers(self) -> dict[int, Packetizer]:
        try:
            return {track.id: make_packetizer(track) for track in self._tracks}
        except MediaError:
            bad = next(each for each in self._tracks if not _carried(each))
            raise LinkError(f"WHIP cannot carry {bad.codec}", refused=True) from None

    async def _negotiate(self, path: LocalPath, packetizers: dict[int, Packetizer]) -> WhipLink:
        """Post an offer; raises ``LinkError`` for anything but a usable answer."""
        local = LocalTransport(
            credentials=IceCredentials.generate(os.urandom),
            fingerprint=self._certificate.fingerprint,
            candidates=path.candidates(),
        )
        streams = _streams(self._tracks)
        session_id = int.from_bytes(os.urandom(7), "big")
        offer = publish_offer(local, streams, session_id=session_id)
        response = await self._post(str(offer))
        leave = partial(self._delete, _resource(response))
        try:
            agreement = accept_answer(offer, parse_sdp(response.body.decode("utf-8", "replace")))
            self._check(agreement)
            fallback = self._make_fallback(agreement.remote.candidates)
            path.suit(agreement.remote.candidates, needed=not fallback.is_possible)
            session = self._make_session(local, agreement, path)
        except (WebRtcError, LinkError) as error:
            await leave()
            raise LinkError(f"the server's answer cannot be used: {error}") from None
        sender = MediaSender(agreement.media, streams, bitrate=self._bitrate, random=os.urandom)
        hooks = Hooks(writable=self._pump, keyframe=self._on_keyframe, leave=leave)
        ways = Ways(path.take_socket(), fallback)
        return WhipLink(session, sender, packetizers, ways, hooks)

    async def _post(self, offer: str) -> Response:
        request = Request("POST", self._target.url, self._target.token, offer.encode(), _SDP)
        try:
            response = await fetch(request, tls=self._ssl)
        except HttpError as error:
            raise LinkError(str(error)) from None
        if response.status != 201:
            if response.status in (401, 403):
                raise key_refused(response.reason())
            raise LinkError(f"refused: {response.reason()}")
        return response

    def _check(self, agreement: Agreement) -> None:
        taken = {media.kind for media in agreement.media}
        for track in self._tracks:
            if track.kind.value not in taken:
                raise LinkError(f"it does not take {track.codec}", refused=True)

    def _make_fallback(self, candidates: Sequence[Candidate]) -> TcpFallback:
        has_udp = any(each.is_udp and each.ip is not None for each in candidates)
        delay = PATIENCE if has_udp and not self._by_tcp else 0.0
        return TcpFallback(tcp_addresses(candidates, may_be_sent_to), delay=delay)

    def _make_session(
        self, local: LocalTransport, agreement: Agreement, path: LocalPath
    ) -> Session:
        remote, now = agreement.remote, path.now()
        agent = IceClientAgent(
            local.credentials,
            remote.credentials,
            random=os.urandom,
            allowed=partial(may_be_sent_to, family=path.family),
        )
        agent.start(remote.candidates, now)
        parameters = DtlsParameters(
            context=self._context,
            is_client=remote.we_are_dtls_client,
            fingerprints=remote.fingerprints,
        )
        return Session(agent, parameters, now=now)

    async def _delete(self, url: str) -> None:
        """End the session on the server; it finds out by itself if this fails."""
        if url:
            with suppress(HttpError):
                await fetch(Request("DELETE", url, self._target.token), tls=self._ssl)


def _carried(track: Track) -> bool:
    try:
        make_packetizer(track)
    except MediaError:
        return False
    return True


def _streams(tracks: Sequence[Track]) -> list[OutgoingStream]:
    numbers = iter(_distinct_ssrcs())
    streams = []
    for track in tracks:
        video = track.kind is Kind.VIDEO
        streams.append(
            OutgoingStream(
                kind=track.kind.value,
                codec=track.codec.value,
                parameters=_parameters(track),
                ssrc=next(numbers),
                rtx_ssrc=next(numbers) if video else None,
            )
        )
    return streams


def _parameters(track: Track) -> dict[str, str]:
    if track.codec is Codec.H264 and len(track.config) >= 4:
        return {"profile-level-id": track.config[1:4].hex()}
    return {}


def _distinct_ssrcs() -> list[int]:
    chosen: set[int] = set()
    while len(chosen) < 8:
        chosen.add(int.from_bytes(os.urandom(4), "big"))
    return list(chosen)


def _resource(response: Response) -> str:
    """Where the session is to be deleted; empty where the server does not say, or elsewhere."""
    location = response.headers.get("location")
    if not location:
        return ""
    try:
        where = joined(response.url, location)
    except HttpError:
        return ""
    # Our token is for this server only.
    return where if urlsplit(where)[:2] == urlsplit(response.url)[:2] else ""
