"""One function for each parser of a peer's bytes: nothing may escape it.

A target swallows the one error that its parser documents. Anything else that escapes is a bug, as
is more output than a multiple of the input. ``tests/test_fuzz.py`` runs all of them for seconds
with their seeds, and bounds their memory; ``make fuzz`` for as long as you like, guided by
coverage. Receivers with a memory are in :mod:`fuzz.receivers`, what our load reads of other
servers in :mod:`fuzz.answers`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

import structlog

from fuzz.answers import ANSWERS
from fuzz.http_heads import http_heads
from fuzz.pieces import pieces
from fuzz.receivers import RECEIVERS
from gamecast.amf import AmfError, amf0, amf3
from gamecast.bench.errors import BenchError
from gamecast.media.codecs import (
    aac,
    adts,
    av1,
    av1_sequence,
    h264,
    h264_sps,
    hevc,
    hevc_sps,
    opus,
    vp9,
)
from gamecast.media.containers.flv import FlvDemuxer, TagReader
from gamecast.media.containers.mpegts.demuxer import Demuxer
from gamecast.media.errors import MediaError
from gamecast.media.payloads.formats import make_depacketizer
from gamecast.media.track import Codec
from gamecast.protocols.rtmp import ClientConnection, RtmpProtocolError, ServerConnection
from gamecast.protocols.rtmp.events import PlayRequested, PublishRequested
from gamecast.protocols.srt import Listener, Settings
from gamecast.protocols.srt.errors import SrtError
from gamecast.protocols.srt.handshake import parse_handshake
from gamecast.protocols.srt.keys import parse_km
from gamecast.protocols.srt.packet import read_loss_list
from gamecast.protocols.webrtc import stun
from gamecast.protocols.webrtc.candidate import parse_candidate
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtcp import parse_rtcp
from gamecast.protocols.webrtc.rtp import parse_rtp
from gamecast.protocols.webrtc.sdp_fragment import parse_fragment
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.server.http.websocket import Listener as WebSocketListener
from gamecast.server.srt import names

Target = Callable[[bytes], object]

DOCUMENTED = (
    *(AmfError, MediaError, RtmpProtocolError, SrtError, WebRtcError, names.BadStreamId),
    *(BenchError, ConnectionError),
)
PACKET_CODECS = (Codec.H264, Codec.HEVC, Codec.AV1, Codec.VP8, Codec.VP9, Codec.OPUS)
MOST_OUTPUT = 64
"""Times the input (and some KiB) that a parser may give back."""


def quietly() -> None:
    """What is refused is logged; nobody reads that of a million inputs."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def guarded(parse: Target) -> Target:
    """The parser without its documented error."""

    def target(data: bytes) -> object:
        try:
            return parse(data)
        except DOCUMENTED:
            return None

    return target


def rtmp_server(data: bytes) -> None:
    """A client of ours says this; it may do whatever it asks for."""
    server = ServerConnection(0.0, random_bytes=random.Random(1).randbytes)
    for event in server.receive_data(data, 1.0):
        if isinstance(event, PublishRequested):
            server.accept_publish(event.stream_id)
        elif isinstance(event, PlayRequested):
            server.accept_play(event.stream_id)
    sent = sum(len(piece) for piece in [server.data_to_send()])
    assert sent <= MOST_OUTPUT * len(data) + 16_384


def rtmp_client(data: bytes) -> None:
    """A server that we publish to says this."""
    client = ClientConnection(0.0, random_bytes=random.Random(1).randbytes)
    client.connect("rtmp://host/live", "live")
    client.publish("name")
    client.receive_data(data, 1.0)
    client.data_to_send()


def flv_messages(data: bytes) -> None:
    """What a publisher sends as video, sound and script data."""
    reader = TagReader()
    for kind, body in pieces(data):
        try:
            packets = reader.read((8, 9, 18)[kind % 3], 0, body)
        except MediaError:
            continue
        assert sum(len(packet.data) for packet in packets) <= MOST_OUTPUT * len(body) + 1024


def flv_file(data: bytes) -> None:
    FlvDemuxer().receive_data(data)


def transport_stream(data: bytes) -> None:
    demuxer = Demuxer()
    packets = demuxer.read(data) + demuxer.flush()
    assert sum(len(packet.data) for packet in packets) <= 4 * len(data) + 1024


def rtp_payloads(data: bytes) -> None:
    """Payloads of one codec; the kind of a piece says its marker and whether one was lost."""
    depacketizer = make_depacketizer(PACKET_CODECS[(data[:1] or b"\0")[0] % len(PACKET_CODECS)])
    for kind, payload in pieces(data[1:]):
        try:
            depacketizer.write(
                payload, timestamp=kind >> 2, marker=bool(kind & 1), lost=bool(kind & 2)
            )
        except MediaError:
            continue


def srt_listener(data: bytes) -> None:
    """Datagrams of a stranger: no answer is larger than what it asked with allows."""
    listener = Listener(Settings(), now=0.0, random_bytes=random.Random(1).randbytes)
    for _, datagram in pieces(data):
        request = listener.receive_datagram(datagram, ("192.0.2.7", 5000), 1.0)
        if request is not None:
            listener.accept(request, passphrase="", now=1.0)
        assert all(len(answer) <= 200 for answer, _ in listener.data_to_send())


def websocket_frames(data: bytes) -> None:
    sent: list[bytes] = []
    WebSocketListener(sent.append, lambda: None).data_received(data)
    assert sum(map(len, sent)) <= MOST_OUTPUT * len(data) + 1024


def of_text(parse: Callable[[str], object]) -> Target:
    """A parser of text, fed as a peer's bytes are decoded."""
    return lambda data: parse(data.decode("utf-8", "replace"))


PARSERS: dict[str, Target] = {
    "amf0": amf0.decode,
    "amf3": amf3.decode,
    "rtmp_server": rtmp_server,
    "rtmp_client": rtmp_client,
    "flv_messages": flv_messages,
    "flv_file": flv_file,
    "transport_stream": transport_stream,
    "rtp_payloads": rtp_payloads,
    "avcc": h264.parse_avcc,
    "h264_sps": h264_sps.parse_sps,
    "hvcc": hevc.parse_hvcc,
    "hevc_sps": hevc_sps.parse_sps,
    "av1c": av1.parse_av1c,
    "av1_sequence": av1_sequence.parse_sequence_header,
    "vp9_frame": vp9.parse_frame_header,
    "aac": aac.parse_audio_specific_config,
    "adts": adts.parse_adts,
    "opus_head": opus.parse_opus_head,
    "stun": stun.parse,
    "rtp": parse_rtp,
    "rtcp": parse_rtcp,
    "sdp": of_text(parse_sdp),
    "sdp_fragment": of_text(parse_fragment),
    "candidate": of_text(parse_candidate),
    "srt_listener": srt_listener,
    "srt_handshake": parse_handshake,
    "srt_key_material": parse_km,
    "srt_loss_list": read_loss_list,
    "srt_stream_id": of_text(names.parse),
    "websocket_frames": websocket_frames,
    "http_heads": http_heads,
    **RECEIVERS,
    **ANSWERS,
}
TARGETS = {name: guarded(parse) for name, parse in PARSERS.items()}
