/**
 * Measures what is really shown: frame rate by requestVideoFrameCallback, frames by
 * getVideoPlaybackQuality, bitrate by the engine's count of bytes. One sample a second.
 */

/** Bitrate and frame rate are means over this many samples: parts of HLS come in bursts. */
const SPAN = 4;

export class Metrics {
  #video;
  #history = [];
  #presented = 0;
  #lastPresented = null;
  #watching = false;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /** Begin to count frames; does nothing where the browser cannot. */
  watch() {
    if (this.#watching || !this.#video.requestVideoFrameCallback) return;
    this.#watching = true;
    const count = (_now, { presentedFrames }) => {
      if (!this.#watching) return;
      // Callbacks may be skipped on a busy page, presentedFrames is not; it restarts with a source.
      const step = this.#lastPresented === null ? 1 : presentedFrames - this.#lastPresented;
      this.#presented += step > 0 ? step : 1;
      this.#lastPresented = presentedFrames;
      this.#video.requestVideoFrameCallback(count);
    };
    this.#video.requestVideoFrameCallback(count);
  }

  /** A new source: rates must not be worked out across the change. */
  restart() {
    this.#history = [];
    this.#lastPresented = null;
  }

  stop() {
    this.#watching = false;
  }

  /**
   * Take a sample.
   * @param {number} now seconds
   * @param {number | null} bytes received by the engine so far
   */
  sample(now, bytes) {
    const quality = this.#video.getVideoPlaybackQuality?.();
    this.#history.push({
      now,
      bytes,
      presented: this.#presented,
      decoded: quality?.totalVideoFrames ?? null,
      dropped: quality?.droppedVideoFrames ?? null,
    });
    if (this.#history.length > SPAN + 1) this.#history.shift();
  }

  /** `{fps, bitrate, framesDecoded, framesDropped, buffer}`; `null` where a value is not known. */
  read() {
    const first = this.#history[0];
    const last = this.#history.at(-1);
    const elapsed = last && first ? last.now - first.now : 0;
    return {
      fps: elapsed > 0 && this.#watching ? (last.presented - first.presented) / elapsed : null,
      bitrate: elapsed > 0 ? rate(first.bytes, last.bytes, elapsed) : null,
      framesDecoded: last?.decoded ?? null,
      framesDropped: last?.dropped ?? null,
      buffer: this.buffer(),
    };
  }

  /** Seconds of media ready to be played without a gap. */
  buffer() {
    const { buffered, currentTime } = this.#video;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= currentTime + 0.1 && currentTime <= buffered.end(index)) {
        return buffered.end(index) - currentTime;
      }
    }
    return 0;
  }
}

function rate(from, to, seconds) {
  return from === null || to === null ? null : Math.max(0, ((to - from) * 8) / seconds);
}
