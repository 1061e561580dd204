"""Publishing by plain RTP, as Janus' streaming plugin takes it: ``rtp://host:video?audio=PORT``."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from gamecast.bench.published import Published
from gamecast.bench.rtp_feed import RtpFeed
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track
from gamecast.net.udp import UdpSocket

VIDEO_TYPE, AUDIO_TYPE = 96, 111


async def open_rtp(url: str, tracks: Sequence[Track]) -> RtpPublisher:
    """Nothing is asked of the server. Raises ``ValueError``, ``OSError``, ``MediaError``."""
    return RtpPublisher(url, tracks)


class RtpPublisher:
    """Each track to a port of its own."""

    def __init__(self, url: str, tracks: Sequence[Track]) -> None:
        parts = urlsplit(url)
        if not parts.hostname or not parts.port:
            raise ValueError("it looks like rtp://host:VIDEO_PORT?audio=AUDIO_PORT")
        host = socket.gethostbyname(parts.hostname)
        audio = parse_qs(parts.query).get("audio", [""])[0]
        self.result = Published()
        self._video = (host, parts.port)
        self._audio = (host, int(audio)) if audio else None
        self._feeds = {track.id: _feed(track) for track in tracks}
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("", 0))
        self._loop = asyncio.get_running_loop()
        self._socket = UdpSocket(sock, lambda data, address: None)

    def send(self, packets: Sequence[Packet]) -> int:
        """One picture and its sound; when that was."""
        ready = time.time_ns()
        for packet in packets:
            address = self._video if packet.is_video else self._audio
            if address is not None:
                written = self._feeds[packet.track.id].write(packet)
                self._socket.send_batch([header + payload for header, payload in written], address)
                self.result.bytes += sum(len(payload) for _, payload in written)
        self.result.frames += 1
        return ready

    def stop(self) -> None:
        """Plain RTP has no goodbye."""
        self._socket.close()


def _feed(track: Track) -> RtpFeed:
    payload_type = VIDEO_TYPE if track.kind is Kind.VIDEO else AUDIO_TYPE
    return RtpFeed(track=track, payload_type=payload_type, ssrc=random.getrandbits(32))
