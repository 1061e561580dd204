/** HLS by the browser itself: Safari without Media Source Extensions, television sets. */

const TYPE = 'application/vnd.apple.mpegurl';

/** The browser keeps its own distance; this is only what counts as "at the edge". */
const TARGET = 6;

export const native = {
  id: 'native',
  label: 'HLS',
  catchUp: { jumpBeyond: 12, rates: false },
  unsupported: () => (document.createElement('video').canPlayType(TYPE) === '' ? 'hls' : null),
  create: (context) => new NativeEngine(context),
};

class NativeEngine {
  #context;

  constructor(context) {
    this.#context = context;
  }

  async start() {
    const { video, url, onReady } = this.#context;
    video.src = url('/index.m3u8');
    video.load();
    onReady();
  }

  stop() {
    const { video } = this.#context;
    video.removeAttribute('src');
    video.load();
  }

  /** Safari tells the wall time of media time 0 from PROGRAM-DATE-TIME. */
  latency() {
    const { clock, video } = this.#context;
    const start = video.getStartDate?.().getTime();
    if (!Number.isFinite(start) || !clock.synced) return null;
    return (clock.now() - start) / 1000 - video.currentTime;
  }

  distance() {
    const end = this.#end();
    return end === null ? null : end - this.#context.video.currentTime;
  }

  target() {
    return TARGET;
  }

  edge() {
    const end = this.#end();
    return end === null ? null : Math.max(0, end - TARGET / 2);
  }

  stalled() {}

  bytes() {
    return this.#context.video.webkitVideoDecodedByteCount ?? null;
  }

  qualities() {
    return [];
  }

  quality() {
    return 'auto';
  }

  setQuality() {}

  #end() {
    const { seekable } = this.#context.video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
  }
}
