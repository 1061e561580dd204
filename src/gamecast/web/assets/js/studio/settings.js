/** What the streamer chose in the studio, and the choices there are. */
import { Preferences } from '../lib/preferences.js';

/** Height of the picture: width, and the bitrate (bits per second) that suits it at 30 fps. */
export const SIZES = {
  1080: { width: 1920, height: 1080, bitrate: 6_000_000 },
  720: { width: 1280, height: 720, bitrate: 3_500_000 },
  480: { width: 854, height: 480, bitrate: 1_500_000 },
  360: { width: 640, height: 360, bitrate: 800_000 },
};

export const RATES = [60, 30, 15];

/** Most bits per second for the picture; 0 is what suits the size. */
export const BITRATES = [0, 800_000, 1_500_000, 2_500_000, 4_000_000, 6_000_000, 9_000_000, 15_000_000];

/** Codecs by their names in SDP; `auto` prefers H.264, which every viewer can take as it is. */
export const CODECS = { auto: null, h264: 'H264', hevc: 'H265', av1: 'AV1', vp9: 'VP9', vp8: 'VP8' };

const oneOf = (values) => (value) => values.includes(value);
const text = (value) => typeof value === 'string' && value.length <= 300;

const SCHEMA = {
  camera: ['', text],
  microphone: ['default', text],
  size: [720, oneOf(Object.keys(SIZES).map(Number))],
  fps: [30, oneOf(RATES)],
  bitrate: [0, oneOf(BITRATES)],
  codec: ['auto', oneOf(Object.keys(CODECS))],
  channel: ['', text],
  rememberKey: [false, (value) => typeof value === 'boolean'],
  key: ['', text],
};

/** The studio's own set in localStorage. The key is in it only while `rememberKey` is true. */
export function openSettings() {
  return new Preferences(undefined, { name: 'gamecast-studio', schema: SCHEMA });
}

/** `{width, height, fps, bitrate}` of the picture that is wanted. */
export function wantedPicture(settings) {
  const fps = settings.get('fps');
  const { width, height, bitrate } = SIZES[settings.get('size')];
  const suits = Math.round(bitrate * (fps > 30 ? 1.5 : 1));
  return { width, height, fps, bitrate: settings.get('bitrate') || suits };
}

/** Which of our codecs this browser can send: names of `CODECS`. */
export function sendableCodecs() {
  const { codecs = [] } = globalThis.RTCRtpSender?.getCapabilities?.('video') ?? {};
  const known = new Set(codecs.map(({ mimeType }) => mimeType.split('/')[1].toUpperCase()));
  return Object.keys(CODECS).filter((name) => CODECS[name] === null || known.has(CODECS[name]));
}
