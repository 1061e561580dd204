/**
 * WebRTC by WHEP: the quickest way, well under a second behind, over UDP.
 *
 * The browser keeps time by itself: there is nothing to catch up with and no buffer to seek in. How
 * late the picture is comes from the sender reports, in which the server says what its clock was when
 * a frame arrived.
 */
const GATHER_LIMIT = 1000;
const STATS_EVERY = 1000;
const CONNECT_LIMIT = 8000;

/** NTP counts from 1900, JavaScript from 1970 (ms). */
const NTP_EPOCH = 2_208_988_800_000;

/** What RTP carries; AAC is made Opus by the server, B-frames are taken out there too. */
const VIDEO = new Set(['h264', 'hevc', 'av1', 'vp8', 'vp9']);

export const whep = {
  id: 'whep',
  label: 'WebRTC',
  catchUp: { rates: false },
  unsupported: (stream) => {
    if (!('RTCPeerConnection' in globalThis)) return 'no WebRTC';
    const video = stream.tracks.find((track) => track.kind === 'video');
    if (video && !VIDEO.has(video.codec)) return video.codec;
    return null;
  },
  create: (context) => new WhepEngine(context),
};

class WhepEngine {
  #context;
  #peer = null;
  #resource = null;
  #timer = null;
  #deadline = null;
  #stopped = false;
  #video = null;
  #details = {};

  constructor(context) {
    this.#context = context;
  }

  async start() {
    const { video, url, onReady, onFailure } = this.#context;
    const peer = (this.#peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' }));
    const media = new MediaStream();
    for (const kind of this.#kinds()) peer.addTransceiver(kind, { direction: 'recvonly' });
    peer.addEventListener('track', ({ track, receiver }) => {
      if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
      media.addTrack(track);
    });
    peer.addEventListener('connectionstatechange', () => this.#changed(peer));
    await peer.setLocalDescription(stereo(await peer.createOffer()));
    await gathered(peer);
    if (this.#stopped) return;
    const answer = await this.#post(url('/whep'), peer.localDescription.sdp);
    if (answer === null || this.#stopped) return;
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    video.srcObject = media;
    this.#timer = setInterval(() => this.#measure(), STATS_EVERY);
    this.#deadline = setTimeout(() => {
      onFailure({ kind: 'network', code: 'ice', detail: 'no connection' });
    }, CONNECT_LIMIT);
    onReady();
  }

  stop() {
    this.#stopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#deadline);
    this.#peer?.close();
    this.#peer = null;
    if (this.#resource) {
      fetch(this.#resource, { method: 'DELETE', keepalive: true }).catch(() => {});
      this.#resource = null;
    }
    this.#context.video.srcObject = null;
  }

  latency() {
    const { clock } = this.#context;
    const shown = this.#video?.estimatedPlayoutTimestamp;
    if (!shown || !clock.synced) return null;
    const age = performance.now() + performance.timeOrigin - this.#video.timestamp;
    const late = (clock.now() - age - (shown - NTP_EPOCH)) / 1000;
    return late > -1 && late < 60 ? Math.max(0, late) : null;
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

  stalled() {}

  bytes() {
    return this.#details.bytes ?? null;
  }

  qualities() {
    return [];
  }

  quality() {
    return 'auto';
  }

  setQuality() {}

  /** Numbers that only WebRTC has: times in seconds, losses in packets. */
  details() {
    return this.#details;
  }

  #kinds() {
    const kinds = new Set(this.#context.stream.tracks.map((track) => track.kind));
    return ['video', 'audio'].filter((kind) => kinds.has(kind));
  }

  async #post(address, offer) {
    const { onFailure } = this.#context;
    let response;
    try {
      response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/sdp' },
        body: offer,
      });
    } catch (error) {
      onFailure({ kind: 'network', code: 'whep', detail: error.message });
      return null;
    }
    if (response.status !== 201) {
      const kind = response.status === 406 ? 'unsupported' : 'network';
      const problem = await response.json().catch(() => ({}));
      onFailure({ kind, code: `whep ${response.status}`, detail: problem.detail ?? '' });
      return null;
    }
    const resource = response.headers.get('location');
    this.#resource = resource ? new URL(resource, address).href : null;
    return response.text();
  }

  #changed(peer) {
    if (this.#stopped) return;
    if (peer.connectionState === 'connected') clearTimeout(this.#deadline);
    if (peer.connectionState === 'failed' || peer.connectionState === 'closed') {
      const code = peer.connectionState;
      this.#context.onFailure({ kind: 'network', code, detail: 'the connection was lost' });
    }
  }

  async #measure() {
    const reports = await this.#peer?.getStats().catch(() => null);
    if (!reports || this.#stopped) return;
    const details = { bytes: 0 };
    for (const report of reports.values()) {
      if (report.type === 'inbound-rtp') this.#inbound(report, details);
      if (report.type === 'candidate-pair' && report.nominated) {
        details.rtt = report.currentRoundTripTime;
      }
    }
    this.#details = details;
  }

  #inbound(report, details) {
    details.bytes += report.bytesReceived;
    details.lost = (details.lost ?? 0) + report.packetsLost;
    if (report.kind !== 'video') return;
    const before = this.#video;
    this.#video = report;
    details.nack = report.nackCount;
    details.pli = report.pliCount;
    details.freezes = report.freezeCount;
    details.jitter = report.jitter;
    details.decoder = report.decoderImplementation;
    const emitted = report.jitterBufferEmittedCount - (before?.jitterBufferEmittedCount ?? 0);
    const held = report.jitterBufferDelay - (before?.jitterBufferDelay ?? 0);
    if (emitted > 0) details.jitterBuffer = held / emitted;
  }
}

/** Browsers offer Opus in mono; players that want stereo have to say so themselves. */
function stereo({ type, sdp }) {
  const payload = /a=rtpmap:(\d+) opus\/48000\/2/i.exec(sdp)?.[1];
  if (payload === undefined) return { type, sdp };
  const line = new RegExp(`(a=fmtp:${payload} [^\\r\\n]*)`);
  return { type, sdp: sdp.replace(line, '$1;stereo=1;sprop-stereo=1') };
}

/** The server finds us by our checks, so waiting long for every candidate would only cost time. */
function gathered(peer) {
  if (peer.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHER_LIMIT);
    peer.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate !== null && candidate.candidate !== '') return;
      clearTimeout(timer);
      resolve();
    });
  });
}
