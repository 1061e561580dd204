/**
 * WebRTC by WHEP: the quickest way, well under a second behind, over UDP.
 *
 * The browser keeps time by itself: there is nothing to catch up with and no buffer to seek in. When
 * the publisher goes away the session stays; pictures simply go on when it is back. How late the
 * picture is comes from the sender reports, in which the server says what its clock was when a frame
 * arrived.
 */
import { configuration, endSession, OfferRefused, sendOffer, withStereo } from '../../lib/webrtc.js';
import { WhepStats } from './whep-stats.js';

const STATS_EVERY = 1000;

/** From the answer to a connection (ms). Where UDP is blocked nothing ever comes. */
const CONNECT_LIMIT = 4000;

/**
 * The same where the server has just named STUN or TURN servers (ms): the direct way is quick or
 * barred, and then a second connection goes by those.
 */
const DIRECT_LIMIT = 1500;

/** Browsers call a connection that is silent "disconnected" long before they give it up (ms). */
const SILENCE_LIMIT = 4000;

/** What RTP carries; AAC is made Opus by the server, B-frames are taken out there too. */
const VIDEO = new Set(['h264', 'hevc', 'av1', 'vp8', 'vp9']);

export const whep = {
  id: 'whep',
  label: 'WebRTC',
  catchUp: { rates: false },
  seekable: false,
  unsupported: (stream) => {
    if (!('RTCPeerConnection' in globalThis)) return 'no WebRTC';
    const video = stream.tracks.find((track) => track.kind === 'video');
    if (video && !VIDEO.has(video.codec)) return video.codec;
    return null;
  },
  create: (context) => new WhepEngine(context),
  probe: (context) => probe(context),
};

class WhepEngine {
  #context;
  #link;
  #timer = null;
  #stopped = false;
  #stats = new WhepStats();

  constructor(context) {
    this.#context = context;
    this.#link = new WhepLink(context, (failure) => context.onFailure(failure));
  }

  async start() {
    const { video, onReady } = this.#context;
    const media = new MediaStream();
    this.#link.onTrack = (track) => {
      // A second connection brings each kind again; the first has shown nothing of its own.
      for (const old of media.getTracks()) if (old.kind === track.kind) media.removeTrack(old);
      media.addTrack(track);
    };
    if (!(await this.#link.open()) || this.#stopped) return;
    video.srcObject = media;
    this.#timer = setInterval(() => this.#measure(), STATS_EVERY);
    onReady();
  }

  stop() {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#link.close();
    this.#context.video.srcObject = null;
  }

  latency() {
    const { clock } = this.#context;
    const { playout } = this.#stats;
    if (playout === null || !clock.synced) return null;
    const age = performance.timeOrigin + performance.now() - playout.at;
    const late = (clock.now() - age - playout.shown) / 1000;
    // The browser's estimate is good to some 20 ms; it cannot be less than the way and the buffer.
    return late > -1 && late < 60 ? Math.max(this.#stats.least, late) : null;
  }

  distance() {
    return null;
  }

  target() {
    return null;
  }

  edge() {
    return null;
  }

  stalled() {
    // The browser's jitter buffer grows by itself.
  }

  /** Pictures decoded so far, for browsers whose video elements do not count those of WebRTC. */
  frames() {
    return this.#stats.frames;
  }

  bytes() {
    return this.#stats.bytes;
  }

  qualities() {
    return [];
  }

  quality() {
    return 'auto';
  }

  setQuality() {}

  details() {
    return this.#stats.details;
  }

  async #measure() {
    const reports = await this.#link.peer?.getStats().catch(() => null);
    if (!reports || this.#stopped) return;
    const { short: before = false } = this.#stats.details;
    this.#stats.read(reports.values());
    const { short } = this.#stats.details;
    if (short !== before) this.#tell(short);
  }

  #tell(short) {
    const { log } = this.#context;
    if (short) log('warning', 'network-short');
    else log('info', 'network-enough');
  }
}

/** One peer connection and its session on the server; tells of its failure once. */
class WhepLink {
  #context;
  #onFailure;
  #resource = null;
  #deadline = null;
  #untried = false;
  #wasConnected = false;
  #leave = () => this.#release();

  peer = null;
  onTrack = () => {};
  onConnected = () => {};

  constructor(context, onFailure) {
    this.#context = context;
    this.#onFailure = (kind, code, detail) => {
      this.#onFailure = () => {};
      onFailure({ kind, code, detail });
    };
  }

  /** Returns whether an answer was accepted; a connection follows, or a failure. */
  async open() {
    const peer = (this.peer = new RTCPeerConnection(configuration()));
    for (const kind of kindsOf(this.#context.stream)) {
      peer.addTransceiver(kind, { direction: 'recvonly' });
    }
    peer.addEventListener('track', ({ track, receiver }) => {
      if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
      this.onTrack(track);
    });
    peer.addEventListener('connectionstatechange', () => this.#changed(peer));
    addEventListener('pagehide', this.#leave);
    const offer = await peer.createOffer();
    // The server finds us by our checks: waiting for candidates here would only cost time.
    await peer.setLocalDescription({ type: 'offer', sdp: withStereo(offer.sdp) });
    return this.#exchange(peer);
  }

  close() {
    this.#onFailure = () => {};
    clearTimeout(this.#deadline);
    removeEventListener('pagehide', this.#leave);
    const { peer } = this;
    this.peer = null;
    // In this order: a closing peer says farewell, and the server would no longer know the session.
    this.#release().finally(() => peer?.close());
  }

  async #exchange(peer) {
    try {
      const { url } = this.#context;
      const session = await sendOffer(url('/whep'), peer.localDescription.sdp);
      this.#resource = session.resource;
      this.#untried = session.untried;
      if (this.peer === null) {
        this.#release(); // closed while the answer was on its way
        return false;
      }
      await peer.setRemoteDescription({ type: 'answer', sdp: session.answer });
    } catch (error) {
      this.#refused(error);
      return false;
    }
    this.#within(this.#untried ? DIRECT_LIMIT : CONNECT_LIMIT, () => this.#unreachable());
    return this.peer !== null;
  }

  #unreachable() {
    if (!this.#untried) {
      this.#onFailure('unreachable', 'ice', 'no connection over UDP or TCP');
      return;
    }
    const { peer } = this;
    this.#release().finally(() => peer.close());
    this.open().catch((error) => this.#refused(error));
  }

  #refused(error) {
    if (!(error instanceof OfferRefused)) {
      this.#onFailure('unsupported', 'answer', error.message);
      return;
    }
    const { status } = error;
    const kind = status === 406 ? 'unsupported' : status >= 500 ? 'unreachable' : 'network';
    this.#onFailure(kind, `whep ${status}`, error.message);
  }

  #changed(peer) {
    if (peer !== this.peer) return;
    const state = peer.connectionState;
    if (state === 'connected') {
      clearTimeout(this.#deadline);
      this.#wasConnected = true;
      this.onConnected();
    } else if (state === 'disconnected') {
      this.#within(SILENCE_LIMIT, () =>
        this.#onFailure('network', 'silent', 'nothing was heard of the server'),
      );
    } else if (state === 'failed' && this.#untried && !this.#wasConnected) {
      this.#within(0, () => this.#unreachable());
    } else if (state === 'failed' || state === 'closed') {
      this.#onFailure('network', state, 'the connection was lost');
    }
  }

  #within(limit, then) {
    clearTimeout(this.#deadline);
    if (this.peer === null || this.peer.connectionState === 'connected') return;
    this.#deadline = setTimeout(then, limit);
  }

  async #release() {
    const resource = this.#resource;
    this.#resource = null;
    if (resource !== null) await endSession(resource);
  }
}

/** Whether a connection can be made now; nothing of it is shown. */
function probe(context) {
  return new Promise((resolve) => {
    const end = (works) => {
      link.close();
      resolve(works);
    };
    const link = new WhepLink(context, () => end(false));
    link.onConnected = () => end(true);
    link.open().catch(() => end(false));
  });
}

function kindsOf(stream) {
  const kinds = new Set(stream.tracks.map((track) => track.kind));
  return ['video', 'audio'].filter((kind) => kinds.has(kind));
}
