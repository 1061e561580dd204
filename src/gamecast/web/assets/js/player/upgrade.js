/**
 * The way back up. When the best engine failed and a lesser one plays, the best is tried again now
 * and then, unseen and with growing pauses: networks change, servers come back.
 */
import { Backoff } from '../lib/backoff.js';

const PAUSES = { base: 20_000, max: 1_800_000, factor: 3, jitter: 0.3 };

export class Upgrade {
  #probe;
  #onWorks;
  #backoff;
  #timer = null;
  #attempt = 0;

  /**
   * @param {() => Promise<boolean>} probe whether the best engine works now
   * @param {() => void} onWorks
   * @param {Backoff} [backoff]
   */
  constructor(probe, onWorks, backoff = new Backoff(PAUSES)) {
    this.#probe = probe;
    this.#onWorks = onWorks;
    this.#backoff = backoff;
  }

  /** A lesser engine plays: try after a pause, if that is not planned already. */
  arm() {
    this.#timer ??= setTimeout(() => this.#run(), this.#backoff.next());
  }

  /** Nothing lesser plays any more; an attempt on its way no longer counts. */
  cancel() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#attempt += 1;
  }

  /** Forget earlier attempts too. */
  reset() {
    this.cancel();
    this.#backoff.reset();
  }

  async #run() {
    const attempt = this.#attempt;
    const works = !document.hidden && (await this.#probe().catch(() => false));
    if (attempt !== this.#attempt) return;
    this.#timer = null;
    if (works) this.#onWorks();
    else this.arm();
  }
}
