/**
 * HTTP-FLV by mpegts.js: one long HTTP answer, about half a second behind the server.
 *
 * mpegts.js is configured for live (no stash, no lazy loading, old data removed) and its own latency
 * chasing is off: catch-up is one controller for all engines (catchup.js). It runs in the page, not
 * in a worker: unpacking FLV costs little, and a custom loader cannot be handed to a worker.
 */
import { HoldBack } from '../catchup.js';
import { trackOf, unplayable } from '../codecs.js';
import { WallTimes } from '../walltime.js';
import { flvLoaderClass } from './flv-loader.js';
import { FlvScanner } from './flv-scan.js';
import { loadScript } from './script.js';

const LIBRARY = new URL('../../../vendor/mpegts.js', import.meta.url).href;
/** The cue points by which the server tells its clock: `{name, time (s of media), wall (epoch ms)}`. */
const CLOCK = 'gamecast.clock';

/** What mpegts.js 1.8 takes out of FLV. */
const CODECS = new Set(['h264', 'hevc', 'av1', 'aac', 'mp3', 'opus', 'flac']);

const CONFIG = {
  enableWorker: false,
  enableStashBuffer: false,
  lazyLoad: false,
  deferLoadAfterSourceOpen: false,
  liveBufferLatencyChasing: false,
  liveSync: false,
  autoCleanupSourceBuffer: true,
  autoCleanupMaxBackwardDuration: 45,
  autoCleanupMinBackwardDuration: 20,
};

export const flv = {
  id: 'flv',
  label: 'HTTP-FLV',
  /** mpegts.js leaves a hole in the video track where the codec settings change. */
  followsChanges: false,
  catchUp: { jumpBeyond: 2.5, minBuffer: 0.3 },

  unsupported(stream) {
    if (!('ReadableStream' in globalThis)) return 'fetch';
    const foreign = (stream.tracks ?? []).find((track) => !CODECS.has(track.codec));
    return foreign ? foreign.codec : unplayable(stream);
  },

  create: (context) => new FlvEngine(context),
};

class FlvEngine {
  #context;
  #player = null;
  #scanner;
  #wall = new WallTimes();
  #hold = new HoldBack();
  #stopped = false;

  constructor(context) {
    this.#context = context;
    this.#scanner = new FlvScanner((name, value) => this.#script(name, value));
  }

  async start() {
    await loadScript(LIBRARY);
    if (this.#stopped) return;
    const { mpegts } = globalThis;
    mpegts.LoggingControl.enableAll = false;
    const { stream, video, url, onReady } = this.#context;
    const source = {
      type: 'flv',
      isLive: true,
      url: url('.flv'),
      hasAudio: trackOf(stream, 'audio') !== null,
      hasVideo: trackOf(stream, 'video') !== null,
    };
    const config = { ...CONFIG, customLoader: flvLoaderClass(mpegts, this.#scanner) };
    this.#player = mpegts.createPlayer(source, config);
    this.#listen(mpegts);
    this.#player.attachMediaElement(video);
    this.#player.load();
    onReady();
  }

  stop() {
    this.#stopped = true;
    this.#player?.destroy();
    this.#player = null;
  }

  latency() {
    const { clock, video } = this.#context;
    const wall = this.#wall.at(video.currentTime);
    return wall === null || !clock.synced ? null : (clock.now() - wall) / 1000;
  }

  distance() {
    const end = this.#end();
    return end === null ? null : end - this.#context.video.currentTime;
  }

  target() {
    return this.#hold.seconds(performance.now() / 1000);
  }

  edge() {
    const end = this.#end();
    return end === null ? null : Math.max(0, end - this.target());
  }

  stalled() {
    this.#hold.stalled(performance.now() / 1000);
  }

  bytes() {
    return this.#scanner.bytes;
  }

  qualities() {
    return [];
  }

  quality() {
    return 'auto';
  }

  setQuality() {}

  #end() {
    const { buffered } = this.#context.video;
    return buffered.length > 0 ? buffered.end(buffered.length - 1) : null;
  }

  #script(name, value) {
    if (name !== 'onCuePoint' || value?.name !== CLOCK) return;
    const time = value.time * 1000;
    // A cue before the first frame (its usual place) stands where that frame will.
    const start = this.#scanner.firstMedia ?? time;
    this.#wall.add(((time - start) | 0) / 1000, value.wall);
  }

  #listen(mpegts) {
    const { onEnded, onFailure } = this.#context;
    const { Events, ErrorTypes, ErrorDetails } = mpegts;
    this.#player.on(Events.LOADING_COMPLETE, () => onEnded());
    this.#player.on(Events.ERROR, (type, detail, info) => {
      const kind =
        type === ErrorTypes.NETWORK_ERROR
          ? 'network'
          : detail === ErrorDetails.MEDIA_CODEC_UNSUPPORTED
            ? 'unsupported'
            : 'media';
      const code = info?.code > 0 ? `${detail} ${info.code}` : detail;
      onFailure({ kind, code, detail: String(info?.msg ?? info ?? '') });
    });
  }
}
