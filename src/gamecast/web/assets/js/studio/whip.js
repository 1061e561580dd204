/**
 * One WHIP session (RFC 9725): a peer connection that sends, and its resource on the server. A session
 * that failed is thrown away; publisher.js makes the next.
 */
import { configuration, endSession, sendOffer, withStereo } from '../lib/webrtc.js';
import { CODECS } from './settings.js';

/** From the answer to a connection (ms). */
const CONNECT_LIMIT = 8000;
const DIRECT_LIMIT = 2500;

/** A connection may be silent for so long (ms) before it counts as lost. */
const SILENCE_LIMIT = 5000;

/** Opus in stereo, good for music (bits per second). */
const AUDIO_BITRATE = 128_000;

/** The part of the wanted bitrate to begin with: browsers else start at 300 kbit/s and climb. */
const START_SHARE = 0.7;

export class WhipSession {
  #callbacks;
  #resource = null;
  #deadline = null;
  #video;
  #leave = () => this.#release();

  /** @param {{onConnected: () => void, onLost: (code: string) => void}} callbacks */
  constructor(callbacks) {
    this.#callbacks = callbacks;
    this.peer = new RTCPeerConnection(configuration());
    this.peer.addEventListener('connectionstatechange', () => this.#changed());
  }

  /**
   * Offer, and take the server's answer.
   * @param {{path: string, key: string, video: MediaStreamTrack | null, audio: MediaStreamTrack,
   *   picture: {height: number, fps: number, bitrate: number}, codec: string}} options
   * @returns {Promise<string>} the channel that the server chose
   * @throws {import('../lib/webrtc.js').OfferRefused}
   */
  async open({ path, key, video, audio, picture, codec }) {
    const { peer } = this;
    const init = (kind) => ({ direction: 'sendonly', streams: [new MediaStream()], ...kind });
    const sound = peer.addTransceiver(audio, init({}));
    this.#video = peer.addTransceiver(video ?? 'video', init({}));
    prefer(this.#video, codec);
    const offer = await peer.createOffer();
    await peer.setLocalDescription({ type: 'offer', sdp: withStereo(offer.sdp) });
    const session = await sendOffer(path, peer.localDescription.sdp, { key });
    this.#resource = session.resource;
    addEventListener('pagehide', this.#leave);
    if (peer.signalingState === 'closed') {
      await this.#release(); // stopped while the answer was on its way
      return '';
    }
    const sdp = withStartBitrate(session.answer, picture.bitrate * START_SHARE);
    await peer.setRemoteDescription({ type: 'answer', sdp });
    await limit(sound.sender, { maxBitrate: AUDIO_BITRATE });
    await this.apply(picture);
    // With servers that this connection was made without, the next one is to come soon.
    this.#within(session.untried ? DIRECT_LIMIT : CONNECT_LIMIT, 'unreachable');
    return decodeURIComponent(/\/live\/([^/]+)\/whip\//.exec(session.resource ?? '')?.[1] ?? '');
  }

  /** Another picture on the same session; the viewers see the change at its first keyframe. */
  async replaceVideo(track, picture) {
    await this.#video.sender.replaceTrack(track);
    await this.apply(picture);
  }

  /** Hold to a size, a frame rate and a bitrate. */
  apply({ height, fps, bitrate }) {
    const real = this.#video.sender.track?.getSettings().height ?? height;
    const down = Math.max(1, real / height);
    return limit(this.#video.sender, {
      maxBitrate: bitrate,
      maxFramerate: fps,
      scaleResolutionDownBy: down,
    });
  }

  /** End it; the server takes the stream off the air at once. */
  async close() {
    this.#callbacks = { onConnected: () => {}, onLost: () => {} };
    clearTimeout(this.#deadline);
    removeEventListener('pagehide', this.#leave);
    await this.#release();
    this.peer.close();
  }

  #changed() {
    const { connectionState: state } = this.peer;
    if (state === 'connected') {
      clearTimeout(this.#deadline);
      this.#callbacks.onConnected();
    } else if (state === 'disconnected') this.#within(SILENCE_LIMIT, 'silent');
    else if (state === 'failed' || state === 'closed') this.#callbacks.onLost('lost');
  }

  #within(limitMs, code) {
    clearTimeout(this.#deadline);
    if (this.peer.connectionState === 'connected') return;
    this.#deadline = setTimeout(() => this.#callbacks.onLost(code), limitMs);
  }

  async #release() {
    const resource = this.#resource;
    this.#resource = null;
    if (resource !== null) await endSession(resource);
  }
}

/** Put the codec first; with `auto` H.264, which reaches every viewer without another encode. */
function prefer(transceiver, choice) {
  const { codecs = [] } = RTCRtpSender.getCapabilities?.('video') ?? {};
  if (!transceiver.setCodecPreferences || codecs.length === 0) return;
  const wanted = `video/${CODECS[choice] ?? CODECS.h264}`.toLowerCase();
  const rank = ({ mimeType, sdpFmtpLine = '' }) => {
    if (mimeType.toLowerCase() !== wanted) return 2;
    return sdpFmtpLine.includes('packetization-mode=0') ? 1 : 0;
  };
  transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
}

async function limit(sender, encoding) {
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) return; // not negotiated: nothing is sent
  Object.assign(parameters.encodings[0], encoding);
  if (sender.track?.kind === 'video') parameters.degradationPreference = 'maintain-framerate';
  await sender.setParameters(parameters);
}

/** Chromium reads its first estimate (kbit/s) from the answer; others pass the parameter over. */
function withStartBitrate(sdp, bitrate) {
  const video = sdp.indexOf('m=video');
  if (video < 0) return sdp;
  const hint = `x-google-start-bitrate=${Math.round(bitrate / 1000)}`;
  const section = sdp.slice(video).replace(/(a=fmtp:\d+ (?!apt=)[^\r\n]*)/, `$1;${hint}`);
  return sdp.slice(0, video) + section;
}
