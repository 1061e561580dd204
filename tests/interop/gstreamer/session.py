"""What the GStreamer peers share: webrtcbin, and the exchange of offer and answer over HTTP."""

from __future__ import annotations

import urllib.request
from typing import Any

import gi

for _name in ("Gst", "GstWebRTC", "GstSdp"):
    gi.require_version(_name, "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402


class Session:
    """Offers what a webrtcbin has, once it knows all its candidates, and takes the answer."""

    def __init__(self, url: str, pipeline: Any, peer: Any) -> None:
        self.errors: list[str] = []
        self._url = url
        self._peer = peer
        peer.connect("on-negotiation-needed", self._offer)
        peer.connect("notify::ice-gathering-state", self._gathered)
        bus = pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._failed)

    def _failed(self, _: Any, message: Any) -> None:
        self.errors.append(message.parse_error()[0].message)

    def _offer(self, peer: Any) -> None:
        def made(promise: Any) -> None:
            reply = promise.get_reply()  # a name of its own: the offer lives as long as this
            offer = reply.get_value("offer")
            peer.emit("set-local-description", offer, Gst.Promise.new())

        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(made))

    def _gathered(self, peer: Any, _: Any) -> None:
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if peer.get_property("ice-gathering-state") is complete:
            GLib.idle_add(self._exchange)

    def _exchange(self) -> bool:
        sdp = self._peer.get_property("local-description").sdp.as_text()
        headers = {"content-type": "application/sdp"}
        request = urllib.request.Request(self._url, sdp.encode(), headers)
        with urllib.request.urlopen(request, timeout=20) as response:
            text = response.read()
        _, parsed = GstSdp.SDPMessage.new()
        GstSdp.sdp_message_parse_buffer(text, parsed)
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        answer = GstWebRTC.WebRTCSessionDescription.new(kind, parsed)
        self._peer.emit("set-remote-description", answer, Gst.Promise.new())
        return False
