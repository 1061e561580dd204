/**
 * Which engine plays, and what comes after it fails. Pure; engines are described, not made.
 *
 * The order is by latency, and each step down is sturdier: WebRTC is quickest but needs UDP or an
 * open port; HTTP-FLV is one long answer of an ordinary HTTP request, about half a second behind;
 * low-latency HLS is a few seconds behind but survives proxies, CDNs and poor networks; the browser's
 * own HLS works where there are no Media Source Extensions.
 */
export const ORDER = Object.freeze(['whep', 'flv', 'hls', 'native']);

/** A second failure in a row, without this much good play between them, means the next engine. */
const GOOD_PLAY = 10;
const FAILURES_EACH = 2;

/** This many stalls within a minute say that the network cannot hold this latency. */
const STALL_LIMIT = 5;
const STALL_WINDOW = 60;

/**
 * The engines to try, best first.
 * @param {{id: string, unsupported: (stream: object) => string | null}[]} engines
 * @param {object} stream the server's Stream
 * @param {string} preference `auto` or an engine's id, which then goes first
 * @returns {{ids: string[], refused: Record<string, string>}} and why the others are not among them
 */
export function candidates(engines, stream, preference = 'auto') {
  const refused = {};
  const usable = engines.filter((engine) => {
    const reason = engine.unsupported(stream);
    if (reason !== null) refused[engine.id] = reason;
    return reason === null;
  });
  const rank = (id) => (id === preference ? -1 : (ORDER.indexOf(id) + ORDER.length) % ORDER.length);
  const ids = usable.map((engine) => engine.id).sort((a, b) => rank(a) - rank(b));
  return { ids, refused };
}

/** The way down a list of engines, and round again: a live page never gives up by itself. */
export class Fallback {
  #ids;
  #index = 0;
  #failures = 0;
  #playedSince = null;
  #stalls = [];
  #sturdier;

  /**
   * @param {string[]} ids from `candidates`
   * @param {{sturdier?: boolean}} [options] whether stalls may lead to the next engine; not when the
   *   viewer chose one, because then what follows is not sturdier
   */
  constructor(ids, { sturdier = true } = {}) {
    this.#ids = [...ids];
    this.#sturdier = sturdier;
  }

  /** The engine to use now, or `null` when none is left. */
  get current() {
    return this.#ids[this.#index] ?? null;
  }

  get ids() {
    return [...this.#ids];
  }

  /** The engine above `current` in the list that would be best, or `null` when it is the best. */
  get better() {
    return this.#index > 0 ? this.#ids[0] : null;
  }

  /** The best engine works again: go back to it. */
  ascend() {
    this.#index = 0;
    this.#failures = 0;
    this.#playedSince = null;
    this.#stalls = [];
  }

  /** The picture began to move at `now` (seconds). */
  playing(now) {
    this.#playedSince ??= now;
  }

  /**
   * The current engine stopped working. `unsupported`: it can never play this stream; `unreachable`:
   * trying again at once would only cost time.
   * @returns {'retry' | 'next' | 'none'} try it again, try the new `current`, or nothing is left
   */
  failed(now, { unsupported = false, unreachable = false } = {}) {
    if (this.#goodPlay(now)) this.#failures = 0;
    this.#playedSince = null;
    this.#stalls = [];
    if (unsupported) {
      this.#ids.splice(this.#index, 1);
      if (this.#ids.length === 0) return 'none';
      this.#index %= this.#ids.length;
      this.#failures = 0;
      return 'next';
    }
    this.#failures += 1;
    if (this.#ids.length < 2 || (this.#failures < FAILURES_EACH && !unreachable)) return 'retry';
    return this.#advance();
  }

  /** The picture stopped for want of data; returns true when a sturdier engine should take over. */
  stalled(now) {
    this.#stalls = this.#stalls.filter((at) => now - at < STALL_WINDOW);
    this.#stalls.push(now);
    const last = this.#index + 1 >= this.#ids.length;
    if (!this.#sturdier || last || this.#stalls.length < STALL_LIMIT) return false;
    this.#playedSince = null;
    this.#stalls = [];
    this.#advance();
    return true;
  }

  #goodPlay(now) {
    return this.#playedSince !== null && now - this.#playedSince >= GOOD_PLAY;
  }

  #advance() {
    this.#index = (this.#index + 1) % this.#ids.length;
    this.#failures = 0;
    return 'next';
  }
}
