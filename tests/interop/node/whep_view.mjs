// A WHEP viewer with libwebrtc: node whep_view.mjs URL SECONDS
// Prints what it saw and heard: pictures, when their middle lit up, when a beep began.
import wrtc from '@roamhq/wrtc';
import { connect, report, seconds } from './session.mjs';

const [url, length] = process.argv.slice(2);
const found = { pictures: 0, sizes: [], flashes: [], beeps: [], peak: 0, stamps: [] };
const peer = new wrtc.RTCPeerConnection();
const sinks = [];
let dark = false;
let quiet = 0;

function picture({ frame: { width, height, data } }) {
  const now = seconds();
  found.pictures++;
  found.stamps.push(now);
  const size = `${width}x${height}`;
  if (found.sizes.at(-1) !== size) found.sizes.push(size);
  const bright = data[(height >> 1) * width + (width >> 1)] > 128;
  if (bright && dark) found.flashes.push(now);
  dark = !bright;
}

function sound({ samples, sampleRate, channelCount = 1 }) {
  const now = seconds();
  for (let i = 0; i < samples.length; i += channelCount) {
    const level = Math.abs(samples[i]) / 32768;
    if (level > found.peak) found.peak = level;
    if (level < 0.1) {
      quiet++;
      continue;
    }
    if (quiet > sampleRate / 3) found.beeps.push(now + i / channelCount / sampleRate);
    quiet = 0;
  }
}

peer.ontrack = ({ track }) => {
  const { RTCVideoSink, RTCAudioSink } = wrtc.nonstandard;
  const sink = track.kind === 'video' ? new RTCVideoSink(track) : new RTCAudioSink(track);
  if (track.kind === 'video') sink.onframe = picture;
  else sink.ondata = sound;
  sinks.push(sink);
};
for (const kind of ['video', 'audio']) peer.addTransceiver(kind, { direction: 'recvonly' });
await connect(peer, url);

const PATIENCE = 40;
const begun = seconds();
const timer = setInterval(async () => {
  const now = seconds();
  if (now < Math.min((found.stamps[0] ?? Infinity) + Number(length), begun + PATIENCE)) return;
  clearInterval(timer);
  for (const entry of (await peer.getStats()).values()) {
    if (entry.type === 'inbound-rtp') found[entry.kind] = entry;
  }
  report(found);
}, 50);
