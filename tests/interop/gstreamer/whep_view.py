"""A WHEP viewer with GStreamer's webrtcbin: python3 whep_view.py URL SECONDS

Runs in Debian's Python, which has the bindings. Prints one line of JSON: pictures decoded, their
sizes and times, when the middle of the picture lit up and when a beep began (presentation times).
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from typing import Any

import gi
from session import Session

for _name in ("Gst", "GstWebRTC", "GstVideo"):
    gi.require_version(_name, "1.0")
from gi.repository import GLib, Gst, GstVideo, GstWebRTC  # noqa: E402

PATIENCE = 40.0
VIDEO = (
    "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,"
    "packetization-mode=(string)1,profile-level-id=(string)42e01f,rtcp-fb-nack-pli=true"
)
AUDIO = "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000"
SHOW = "videoconvert ! video/x-raw,format=I420 ! appsink name=sink emit-signals=true sync=false"
HEAR = (
    "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1"
    " ! appsink name=sink emit-signals=true sync=false"
)


class Viewer:
    """One session, and what came of it."""

    def __init__(self, url: str) -> None:
        self.found: dict[str, Any] = {
            "pictures": 0, "sizes": [], "flashes": [], "beeps": [],
        }  # fmt: skip
        self._dark = False
        self._quiet = 0
        self._pipeline = Gst.Pipeline.new()
        self._peer = Gst.ElementFactory.make("webrtcbin", "peer")
        self._peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self._pipeline.add(self._peer)
        self._peer.connect("pad-added", self._decode)
        self.found["errors"] = Session(url, self._pipeline, self._peer).errors
        receive = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        for caps in (VIDEO, AUDIO):
            self._peer.emit("add-transceiver", receive, Gst.Caps.from_string(caps))
        self._pipeline.set_state(Gst.State.PLAYING)

    def _decode(self, _: Any, pad: Any) -> None:
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", self._show)
        self._pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def _show(self, _: Any, pad: Any) -> None:
        is_video = pad.get_current_caps().to_string().startswith("video")
        chain = Gst.parse_bin_from_description(f"queue ! {SHOW if is_video else HEAR}", True)
        chain.get_by_name("sink").connect("new-sample", self._picture if is_video else self._sound)
        self._pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def _picture(self, sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
        buffer = sample.get_buffer()
        middle = info.height // 2 * info.stride[0] + info.width // 2
        bright = buffer.extract_dup(middle, 1)[0] > 128
        found = self.found
        found["pictures"] += 1
        size = f"{info.width}x{info.height}"
        if size not in found["sizes"]:
            found["sizes"].append(size)
        if bright and self._dark:
            found["flashes"].append(buffer.pts / Gst.SECOND)
        self._dark = not bright
        return Gst.FlowReturn.OK

    def _sound(self, sink: Any) -> Any:
        buffer = sink.emit("pull-sample").get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        for number, (level,) in enumerate(struct.iter_unpack("<h", data)):
            if abs(level) < 3000:
                self._quiet += 1
                continue
            if self._quiet > 16_000:
                self.found["beeps"].append(buffer.pts / Gst.SECOND + number / 48_000)
            self._quiet = 0
        return Gst.FlowReturn.OK


def main() -> None:
    """Watch for as long as asked from the first picture on, and print what was seen."""
    Gst.init(None)
    viewer = Viewer(sys.argv[1])
    loop = GLib.MainLoop()
    deadline = time.monotonic() + PATIENCE
    end = float("inf")

    def look() -> bool:
        nonlocal end
        now = time.monotonic()
        if viewer.found["pictures"] and end == float("inf"):
            end = now + float(sys.argv[2])
        if now > min(end, deadline) or viewer.found["errors"]:
            loop.quit()
        return True

    GLib.timeout_add(50, look)
    loop.run()
    print(json.dumps(viewer.found), flush=True)  # noqa: T201
    os._exit(0)  # without a farewell: GStreamer's own end takes seconds


main()
