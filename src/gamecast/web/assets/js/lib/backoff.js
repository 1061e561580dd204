/**
 * Growing pauses between attempts, with jitter so that a thousand viewers whose server restarted do
 * not all return in the same second.
 */
export class Backoff {
  #options;
  #attempts = 0;

  /**
   * @param {object} [options] `base` and `max` in milliseconds, `factor` of growth, `jitter` the part
   *   (0 to 1) of a pause that is left to chance, `random` a source of numbers in [0, 1)
   */
  constructor({ base = 500, max = 15000, factor = 1.8, jitter = 0.5, random = Math.random } = {}) {
    this.#options = { base, max, factor, jitter, random };
  }

  /** How many pauses were handed out since the last reset. */
  get attempts() {
    return this.#attempts;
  }

  /** The next pause in milliseconds. */
  next() {
    const { base, max, factor, jitter, random } = this.#options;
    const full = Math.min(max, base * factor ** this.#attempts);
    this.#attempts += 1;
    return Math.round(full * (1 - jitter * random()));
  }

  /** Start over: something worked. */
  reset() {
    this.#attempts = 0;
  }
}
