"""A WHIP publisher with GStreamer's webrtcbin: python3 whip_publish.py URL FILE vp8|h264

Runs in Debian's Python until it is ended: decodes the file and encodes it anew, in real time.
"""

from __future__ import annotations

import sys

import gi
from session import Session

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst, GstWebRTC  # noqa: E402

ENCODERS = {
    "vp8": (
        "vp8enc deadline=1 cpu-used=8 target-bitrate=800000 keyframe-max-dist=60"
        " ! rtpvp8pay pt=96 picture-id-mode=15-bit"
        " ! application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"
    ),
    "h264": (
        "x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=60"
        " ! video/x-h264,profile=constrained-baseline"
        " ! rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency"
        " ! application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,"
        "packetization-mode=(string)1"
    ),
}
PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
filesrc location="{path}" ! decodebin name=file
file. ! queue ! clocksync ! videoconvert ! {video} ! peer.
file. ! queue ! clocksync ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=111
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000 ! peer.
"""


def main() -> None:
    """Publish for ever; an error ends the program."""
    url, path, codec = sys.argv[1:]
    Gst.init(None)
    pipeline = Gst.parse_launch(PIPELINE.format(path=path, video=ENCODERS[codec]))
    peer = pipeline.get_by_name("peer")
    session = Session(url, pipeline, peer)
    for number in range(2):
        transceiver = peer.emit("get-transceiver", number)
        transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
    pipeline.set_state(Gst.State.PLAYING)
    loop = GLib.MainLoop()

    def look() -> bool:
        if session.errors:
            loop.quit()
        return True

    GLib.timeout_add(50, look)
    loop.run()
    sys.exit("; ".join(session.errors))


main()
