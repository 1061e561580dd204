/** Camera, screen or test picture as a MediaStream; and which devices there are. */
import { TestPicture } from './testpicture.js';

export const SOURCES = ['screen', 'camera', 'test'];

/** Why something could not be captured: a code that the page has words for. */
export class CaptureError extends Error {
  constructor(code, cause) {
    super(cause?.message ?? code, { cause });
    this.name = 'CaptureError';
    this.code = code;
  }
}

/** Codes for the errors of Media Capture and Streams. */
const CODES = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'no-device',
  OverconstrainedError: 'no-device',
  NotReadableError: 'in-use',
  AbortError: 'in-use',
};

/**
 * Open a source.
 * @param {'screen' | 'camera' | 'test'} kind
 * @param {{picture: object, camera: string, audioContext: AudioContext}} options
 * @returns {Promise<{stream: MediaStream, stop: () => void}>}
 * @throws {CaptureError}
 */
export async function openSource(kind, { picture, camera, audioContext }) {
  if (kind === 'test') {
    const test = new TestPicture(picture, audioContext);
    return { stream: test.stream, stop: () => test.stop() };
  }
  const stream = await (kind === 'screen' ? openScreen(picture) : openCamera(picture, camera));
  for (const track of stream.getVideoTracks()) track.contentHint = 'motion';
  return { stream, stop: () => stream.getTracks().forEach((track) => track.stop()) };
}

/** @returns {Promise<MediaStream>} of one microphone; `default` is what the system prefers */
export function openMicrophone(id) {
  const deviceId = id === 'default' ? undefined : { exact: id };
  const audio = { deviceId, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  return capture((devices) => devices.getUserMedia({ audio }), 'getUserMedia');
}

/** `{cameras, microphones}` as `[{id, label}]`; labels are empty until one of them was allowed. */
export async function listDevices() {
  const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  const of = (kind) =>
    devices
      .filter((device) => device.kind === kind && device.deviceId !== '')
      .map(({ deviceId: id, label }) => ({ id, label }));
  const virtual = new Set(['default', 'communications']);
  return {
    cameras: of('videoinput'),
    microphones: of('audioinput').filter(({ id }) => !virtual.has(id)),
  };
}

/** Sound of the screen is music and games: nothing of it may be cleaned away. */
function openScreen({ width, height, fps }) {
  const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const options = { video, audio, systemAudio: 'include', surfaceSwitching: 'include' };
  return capture((devices) => devices.getDisplayMedia(options), 'getDisplayMedia');
}

function openCamera({ width, height, fps }, camera) {
  const deviceId = camera ? { exact: camera } : undefined;
  const size = { width: { ideal: width }, height: { ideal: height } };
  const video = { deviceId, ...size, frameRate: { ideal: fps } };
  return capture((devices) => devices.getUserMedia({ video }), 'getUserMedia');
}

async function capture(ask, method) {
  if (!globalThis.isSecureContext) throw new CaptureError('insecure');
  const { mediaDevices } = navigator;
  if (!mediaDevices?.[method]) throw new CaptureError('unsupported');
  try {
    return await ask(mediaDevices);
  } catch (error) {
    throw new CaptureError(CODES[error.name] ?? 'failed', error);
  }
}
