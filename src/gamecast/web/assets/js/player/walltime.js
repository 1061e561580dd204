/**
 * Which server time belongs to which media time.
 *
 * Engines whose transport carries wall times (the cue points of HTTP-FLV) add a pair now and then;
 * between pairs a second of media is a second of wall time. Latency then is simply the server's time
 * now, minus the server's time of the picture on the screen; it stays right through bursts, jumps and
 * changes of playback rate.
 */
const KEPT = 64;

export class WallTimes {
  /** @type {{media: number, wall: number}[]} ascending in media time */
  #pairs = [];

  /** @param {number} media seconds on the media timeline; @param {number} wall epoch milliseconds */
  add(media, wall) {
    if (!Number.isFinite(media) || !Number.isFinite(wall)) return;
    while (this.#pairs.length > 0 && this.#pairs.at(-1).media >= media) this.#pairs.pop();
    this.#pairs.push({ media, wall });
    if (this.#pairs.length > KEPT) this.#pairs.shift();
  }

  /** The wall time in epoch milliseconds of a media time, by the last pair before it, or `null`. */
  at(media) {
    if (this.#pairs.length === 0) return null;
    const before = this.#pairs.findLast((pair) => pair.media <= media) ?? this.#pairs[0];
    return before.wall + (media - before.media) * 1000;
  }

  clear() {
    this.#pairs = [];
  }
}
