// A WHIP publisher with libwebrtc: node whip_publish.mjs URL
// Until it is ended: moving pictures whose middle lights up each second, together with a beep.
import wrtc from '@roamhq/wrtc';
import { connect, seconds } from './session.mjs';

const [url] = process.argv.slice(2);
const [width, height, rate] = [320, 180, 48_000];
const { RTCVideoSource, RTCAudioSource } = wrtc.nonstandard;
const video = new RTCVideoSource();
const audio = new RTCAudioSource();
const peer = new wrtc.RTCPeerConnection();
const stream = new wrtc.MediaStream();
peer.addTrack(video.createTrack(), stream);
peer.addTrack(audio.createTrack(), stream);
await connect(peer, url);

const start = seconds();
let [pictures, blocks] = [0, 0];

function picture(at) {
  const data = new Uint8ClampedArray((width * height * 3) / 2).fill(128);
  for (let i = 0; i < width * height; i++) data[i] = (i + pictures * 3) % width;
  const light = at % 1 < 0.1 ? 235 : 16;
  for (let y = height / 2 - 30; y < height / 2 + 30; y++) {
    data.fill(light, y * width + width / 2 - 30, y * width + width / 2 + 30);
  }
  video.onFrame({ width, height, data });
}

function sound(at) {
  const samples = new Int16Array(rate / 100);
  for (let i = 0; i < samples.length; i++) {
    const t = at + i / rate;
    if (t % 1 < 0.05) samples[i] = 16_000 * Math.sin(2 * Math.PI * 1000 * t);
  }
  audio.onData({ samples, sampleRate: rate, bitsPerSample: 16, channelCount: 1, numberOfFrames: rate / 100 });
}

setInterval(() => {
  const now = seconds() - start;
  for (; blocks / 100 <= now; blocks++) sound(blocks / 100);
  for (; pictures / 30 <= now; pictures++) picture(pictures / 30);
}, 5);
