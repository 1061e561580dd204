/**
 * HLS by hls.js, low latency where the server offers parts: sturdy, cacheable, a few seconds behind.
 *
 * How far behind is the server's to say (PART-HOLD-BACK), so liveSyncDuration stays unset. hls.js's own
 * catch-up is off (`maxLiveSyncPlaybackRate: 1`): it wants more than a second of buffer, which a
 * hold-back near a second never leaves, and it would fight with ours (catchup.js).
 */
import { unplayable } from '../codecs.js';

const LIBRARY = new URL('../../../vendor/hls.light.min.mjs', import.meta.url).href;
const WORKER = new URL('../../../vendor/hls.worker.js', import.meta.url).href;

/** Media errors are repaired in place at most this often (ms); then the engine starts again. */
const RECOVER_EVERY = 5000;

const retry = (maxNumRetry, retryDelayMs, maxRetryDelayMs) => ({
  maxNumRetry,
  retryDelayMs,
  maxRetryDelayMs,
});

const CONFIG = {
  lowLatencyMode: true,
  enableWorker: true,
  workerPath: WORKER,
  maxLiveSyncPlaybackRate: 1,
  liveSyncOnStallIncrease: 0.5,
  liveSyncMode: 'buffered',
  liveMaxUnchangedPlaylistRefresh: 6,
  liveDurationInfinity: true,
  backBufferLength: 20,
  maxBufferLength: 8,
  startLevel: -1,
  testBandwidth: false,
  abrEwmaDefaultEstimate: 5e6,
  capLevelToPlayerSize: true,
  playlistLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 8000,
      maxLoadTimeMs: 12000,
      timeoutRetry: retry(2, 0, 0),
      errorRetry: retry(6, 500, 4000),
    },
  },
};

/** The server makes H.264 of these for HLS (`server/needs.py`), whatever is published. */
const CONVERTED = new Set(['vp8']);

export const hls = {
  id: 'hls',
  label: 'LL-HLS',
  catchUp: { jumpBeyond: 6, minBuffer: 0.5 },
  unsupported: (stream) =>
    unplayable({ tracks: stream?.tracks?.filter((track) => !CONVERTED.has(track.codec)) }),
  create: (context) => new HlsEngine(context),
};

class HlsEngine {
  #context;
  #hls = null;
  #bytes = 0;
  #recoveredAt = -Infinity;
  #stopped = false;

  constructor(context) {
    this.#context = context;
  }

  async start() {
    const { default: Hls } = await import(LIBRARY);
    if (this.#stopped) return;
    const { video, url, onReady } = this.#context;
    this.#hls = new Hls(CONFIG);
    this.#listen(Hls);
    this.#hls.loadSource(url('/index.m3u8'));
    this.#hls.attachMedia(video);
    onReady();
  }

  stop() {
    this.#stopped = true;
    this.#hls?.destroy();
    this.#hls = null;
  }

  latency() {
    const { clock } = this.#context;
    const date = this.#hls?.playingDate;
    return date && clock.synced ? (clock.now() - date.getTime()) / 1000 : null;
  }

  distance() {
    const { video } = this.#context;
    return this.#hls?.latestLevelDetails && video.currentTime > 0 ? this.#hls.latency : null;
  }

  target() {
    return this.#hls?.targetLatency ?? null;
  }

  edge() {
    return this.#hls?.liveSyncPosition ?? null;
  }

  stalled() {
    // hls.js sees stalls itself and raises its target by liveSyncOnStallIncrease.
  }

  bytes() {
    return this.#bytes;
  }

  qualities() {
    const levels = this.#hls?.levels ?? [];
    if (levels.length < 2) return [];
    return levels.map((level, id) => ({
      id,
      width: level.width,
      height: level.height,
      fps: level.frameRate,
      bitrate: level.bitrate,
    }));
  }

  quality() {
    return this.#hls?.autoLevelEnabled === false ? this.#hls.currentLevel : 'auto';
  }

  setQuality(id) {
    if (this.#hls) this.#hls.nextLevel = id === 'auto' ? -1 : id;
  }

  #listen(Hls) {
    const { Events } = Hls;
    this.#hls.on(Events.BUFFER_APPENDING, (_name, { data }) => {
      this.#bytes += data.byteLength;
    });
    this.#hls.on(Events.LEVEL_UPDATED, (_name, { details }) => {
      if (!details.live) this.#context.onEnded();
    });
    this.#hls.on(Events.ERROR, (_name, data) => this.#error(Hls, data));
  }

  #error(Hls, { fatal, type, details, response, error }) {
    const { log, onFailure } = this.#context;
    const code = response?.code ? `${details} ${response.code}` : details;
    if (!fatal) {
      log('debug', 'engine-note', { engine: 'hls', code });
      return;
    }
    const now = performance.now();
    if (type === Hls.ErrorTypes.MEDIA_ERROR && now - this.#recoveredAt > RECOVER_EVERY) {
      this.#recoveredAt = now;
      log('warning', 'media-recovered', { engine: 'hls', code });
      this.#hls.recoverMediaError();
      return;
    }
    const unsupported = details === Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR;
    const kind = unsupported ? 'unsupported' : type === Hls.ErrorTypes.NETWORK_ERROR ? 'network' : 'media';
    onFailure({ kind, code, detail: error?.message ?? '' });
  }
}
