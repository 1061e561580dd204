"""Sound against picture: a clip that flashes and beeps each second, and a page that measures both.

The page looks at every frame that it shows, and hears by WebAudio what the player plays where
nothing listens to its loudspeaker.
"""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.peers import require

_PATCH = "drawbox=x=iw*3/8:y=ih*3/8:w=iw/4:h=ih/4:t=fill:color={color}"
PICTURE = (  # of a {size}
    f"testsrc2=size={{size}}:rate=30,{_PATCH.format(color='black')},"
    f"{_PATCH.format(color='white')}:enable='lt(mod(t,1),0.1)'"
)
"""Something always moves; a patch in the middle is white in the first tenth of each second."""
BEEP = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.05)':sample_rate=48000"
B_FRAMES = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "60", "-b:v", "600k"]

WATCH = """() => {
  const video = document.querySelector('video');
  const meter = globalThis.meter = { flashes: [], beeps: [], frames: 0, stalls: 0 };
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    if (now - last > 100) meter.stalls += (now - last) / 1000; // the page itself had no processor
    last = now;
  }, 40);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const paint = canvas.getContext('2d', { willReadFrequently: true });
  let dark = false;
  const look = (now, frame) => {
    meter.frames++;
    const { videoWidth: width, videoHeight: height } = video;
    paint.drawImage(video, width / 2 - 10, height / 2 - 10, 20, 20, 0, 0, 1, 1);
    const bright = paint.getImageData(0, 0, 1, 1).data[1] > 128;
    if (bright && dark) meter.flashes.push(frame.expectedDisplayTime);
    dark = !bright;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}"""
"""Begins to look at the page's first video element; the figures are in ``globalThis.meter``."""

LISTEN = """() => {
  const video = document.querySelector('video');
  const context = new AudioContext({ latencyHint: 'interactive' });
  const analyser = new AnalyserNode(context, { fftSize: 16384 });
  const stream = new MediaStream(video.srcObject.getAudioTracks());
  context.createMediaStreamSource(stream).connect(analyser).connect(context.destination);
  const samples = new Float32Array(16384);
  let heardAt = -Infinity;
  setInterval(() => {
    const now = performance.now();
    const end = context.currentTime;
    analyser.getFloatTimeDomainData(samples);
    let first = 0;
    while (first < samples.length && Math.abs(samples[first]) < 0.1) first++;
    // Without a beep, or before all of the silence in front of it is there too.
    if (first === samples.length || first < context.sampleRate / 10 || now - heardAt < 500) return;
    heardAt = now;
    const output = context.getOutputTimestamp(); // in Firefox a question to another process
    const at = end - (samples.length - first) / context.sampleRate;
    meter.beeps.push(output.performanceTime + (at - output.contextTime) * 1000);
  }, 40);
}"""
"""Begins to listen, after ``WATCH``; ``tests.support.speaker`` is nearer to what a person hears."""

READ = (
    "() => { const {flashes, beeps, frames, stalls} = meter;"
    " return {flashes, beeps, frames, stalls, origin: performance.timeOrigin}; }"
)

KEEP_PEERS = """
globalThis.peers = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) { super(...options); peers.push(this); }
};
"""
"""Before the page loads: every peer connection is kept, so that its statistics can be asked for."""

RECEIVED = """async () => {
  const found = {};
  for (const peer of peers) {
    for (const report of (await peer.getStats()).values()) {
      if (report.type === 'inbound-rtp') found[report.kind] = {...report};
      if (report.type === 'codec') found[report.mimeType.toLowerCase()] = report.sdpFmtpLine ?? '';
    }
  }
  return found;
}"""
"""Statistics of the newest session: ``video`` and ``audio`` inbound, and the codecs' names."""


def make_clip(path: Path, *, seconds: float, size: str = "320x180") -> Path:
    """An MP4 with the flashing picture in H.264 with B-frames, and AAC beeps."""
    command = [require("ffmpeg"), "-v", "error", "-nostdin", "-y"]
    command += [
        "-f",
        "lavfi",
        "-i",
        PICTURE.format(size=size),
        "-f",
        "lavfi",
        "-i",
        BEEP,
        "-t",
        str(seconds),
    ]
    command += [*B_FRAMES, "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", "-ac", "2"]
    subprocess.run([*command, str(path)], check=True, timeout=100)
    return path


@dataclass(slots=True)
class Offset:
    """How far pictures are behind the sound, in seconds; negative: before it."""

    pairs: list[float]

    @classmethod
    def between(cls, flashes: Sequence[float], beeps: Sequence[float]) -> Offset:
        """From the times of both in milliseconds; each flash goes with the nearest beep."""
        pairs = []
        for flash in flashes:
            nearest = min(beeps, key=lambda beep: abs(beep - flash), default=None)
            if nearest is not None and abs(nearest - flash) < 500:
                pairs.append((flash - nearest) / 1000)
        return cls(pairs)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.pairs)

    @property
    def worst(self) -> float:
        """The largest of nine in ten, whatever its sign: a busy machine may miss one."""
        sizes = sorted(abs(pair) for pair in self.pairs)
        return sizes[int(len(sizes) * 0.9) - 1] if len(sizes) > 1 else sizes[0]

    def __str__(self) -> str:
        return f"A/V p50 {self.median * 1000:+.0f} ms, p90 {self.worst * 1000:.0f} ms"
