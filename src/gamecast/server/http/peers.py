"""The JSON of the two ends of a stream for administrators: who watches, who publishes, how well."""

from __future__ import annotations

from typing import Any

from gamecast.protocols.webrtc.media_receiver import MediaReceiver
from gamecast.protocols.webrtc.session import Session
from gamecast.relay.publisher import Publisher
from gamecast.relay.rendition import FlowRendition
from gamecast.relay.stream import Stream
from gamecast.relay.viewer import Viewer
from gamecast.server.http.views import timestamp
from gamecast.server.outlet import Outlet
from gamecast.server.webrtc.source import WebRtcSource
from gamecast.server.webrtc.viewer import WhepViewer
from gamecast.server.webrtc.whip import WhipPublisher


def describe_viewers(stream: Stream) -> list[dict[str, Any]]:
    """Every viewer that holds a connection."""
    found: list[dict[str, Any]] = []
    for rendition in stream.renditions.values():
        if isinstance(rendition, Outlet) and isinstance(rendition.rendition, FlowRendition):
            flow = rendition.rendition
            found += [_flow(flow, viewer) for viewer in flow.viewers]
        elif isinstance(rendition, WebRtcSource):
            found += [_whep(viewer) for viewer in rendition.rtp.viewers]
    return found


def describe_publisher(publisher: Publisher) -> dict[str, Any]:
    """A stream's publisher, with what WebRTC knows of the network."""
    common = {
        "protocol": publisher.protocol,
        "software": publisher.software,
        "address": publisher.address,
    }
    if not isinstance(publisher, WhipPublisher):
        return common
    return {**common, "webrtc": _reception(publisher.session, publisher.receiver)}


def _flow(rendition: FlowRendition, viewer: Viewer) -> dict[str, Any]:
    return {
        "protocol": viewer.protocol,
        "address": viewer.address,
        "since": timestamp(viewer.since),
        "bytes": rendition.sent_bytes(viewer),
        "backlog": viewer.sink.backlog(),
        "dropped_groups": viewer.dropped_groups,
        "dropped_bytes": viewer.dropped_bytes,
    }


def _whep(viewer: WhepViewer) -> dict[str, Any]:
    said = viewer.reception
    return {
        "protocol": "whep",
        "address": viewer.address,
        "software": viewer.software,
        "since": timestamp(viewer.since),
        "bytes": viewer.sent_bytes,
        "backlog": viewer.socket.backlog(),
        "dropped_groups": viewer.dropped_groups,
        "webrtc": {
            "transport": _transport(viewer.session),
            "estimate": said.estimate,
            "rtt": round(said.rtt, 4),
            "fraction_lost": round(said.fraction_lost, 4),
            "jitter": round(said.jitter, 4),
            "nacks": said.nacks,
            "plis": said.plis,
        },
    }


def _reception(session: Session, receiver: MediaReceiver) -> dict[str, Any]:
    return {
        "transport": _transport(session),
        "rtt": round(receiver.rtt, 4),
        "nacks": receiver.nacks,
        "plis": receiver.plis,
        "sources": [
            {
                "kind": source.media.kind,
                "codec": source.media.codec,
                "rid": source.rid,
                "received": statistics.received,
                "lost": max(0, statistics.lost),
                "jitter": round(statistics.jitter, 4),
            }
            for source, statistics in receiver.sources
        ],
    }


def _transport(session: Session) -> str:
    """``udp``, ``tcp``, or nothing while there is no path."""
    if session.selected is None:
        return ""
    return "udp" if len(session.selected) == 2 else str(session.selected[2])
