"""Prints the offer of GStreamer's webrtcbin to publish H.264 and Opus: python3 offer.py

It is one of the offers in ``tests/protocols/webrtc/data``.
"""

from __future__ import annotations

import sys
from typing import Any

import gi

for _name in ("Gst", "GstWebRTC", "GstSdp"):
    gi.require_version(_name, "1.0")
from gi.repository import GLib, Gst, GstWebRTC  # noqa: E402

PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1
  ! x264enc tune=zerolatency ! video/x-h264,profile=constrained-baseline
  ! rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency
  ! application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,
    packetization-mode=(string)1
  ! peer.
audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay pt=111
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000 ! peer.
"""


def main() -> None:
    """Print it when the pipeline knows what it sends; its candidates would come later."""
    Gst.init(None)
    pipeline = Gst.parse_launch(PIPELINE)
    peer = pipeline.get_by_name("peer")
    loop = GLib.MainLoop()

    def made(promise: Any) -> None:
        reply = promise.get_reply()  # a name of its own: the offer lives as long as this
        sys.stdout.write(reply.get_value("offer").sdp.as_text())
        loop.quit()

    def offer(_: Any) -> None:
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(made))

    for number in range(2):
        transceiver = peer.emit("get-transceiver", number)
        transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        transceiver.set_property("do-nack", True)
    peer.connect("on-negotiation-needed", offer)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)


main()
