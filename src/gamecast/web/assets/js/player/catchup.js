/**
 * Staying near the live edge: how fast to play and when to jump. Pure; time is an argument.
 *
 * `distance` is how far the picture is behind the newest data the engine could play, `target` how far
 * it should be so that ordinary jitter never empties the buffer. What is between them (the *drift*)
 * is worked off by playing up to 10 % faster, which keeps pitch and is hardly heard; more than a few
 * seconds is cheaper to skip. A buffer well under its target plays a little slower and so fills again
 * without a second stall.
 */
export const MAX_RATE = 1.1;
const MIN_RATE = 0.95;

/** Speeding up starts above the first drift and stops below the second: no flutter in between. */
const START_DRIFT = 0.2;
const STOP_DRIFT = 0.04;

/** Drift in seconds and the rate that works it off. */
const STEPS = [
  [2, MAX_RATE],
  [1, 1.08],
  [0.5, 1.05],
  [0, 1.03],
];

export class CatchUp {
  #jumpBeyond;
  #minBuffer;
  #rates;
  #speeding = false;
  #slowing = false;

  /**
   * @param {object} [options] `jumpBeyond` seconds of drift that are skipped instead of worked off;
   *   `minBuffer` seconds that must be buffered to play faster; `rates` false where the browser
   *   re-buffers on a change of rate (Safari's own HLS), and only jumps are left
   */
  constructor({ jumpBeyond = 3, minBuffer = 0.25, rates = true } = {}) {
    this.#jumpBeyond = jumpBeyond;
    this.#minBuffer = minBuffer;
    this.#rates = rates;
  }

  /**
   * @param {{distance: number | null, target: number | null, buffer: number}} measured in seconds
   * @returns {{rate: number, jump: boolean}} the playback rate to use, and whether to go to the edge
   */
  decide({ distance, target, buffer }) {
    if (distance === null || target === null) return { rate: 1, jump: false };
    const drift = distance - target;
    if (drift > this.#jumpBeyond) {
      this.#speeding = false;
      return { rate: 1, jump: true };
    }
    return { rate: this.#rates ? this.#rate(drift, target, buffer) : 1, jump: false };
  }

  #rate(drift, target, buffer) {
    this.#speeding = buffer > this.#minBuffer && drift > (this.#speeding ? STOP_DRIFT : START_DRIFT);
    if (this.#speeding) return STEPS.find(([above]) => drift > above)[1];
    const low = this.#slowing ? 0.85 : 0.5;
    this.#slowing = drift < 0 && buffer < target * low;
    return this.#slowing ? MIN_RATE : 1;
  }
}

/**
 * How much an engine without a server's advice should hold back: `base` seconds, more after each
 * stall, less again after a quiet time.
 */
export class HoldBack {
  #base;
  #max;
  #step;
  #calm;
  #extra = 0;
  #changedAt = 0;

  /** @param {object} [options] seconds; `calm` is the quiet time after which one step is taken back */
  constructor({ base = 0.5, max = 3, step = 0.4, calm = 60 } = {}) {
    this.#base = base;
    this.#max = max;
    this.#step = step;
    this.#calm = calm;
  }

  stalled(now) {
    this.#extra = Math.min(this.#max - this.#base, this.#extra + this.#step);
    this.#changedAt = now;
  }

  seconds(now) {
    while (this.#extra > 0 && now - this.#changedAt >= this.#calm) {
      this.#extra = Math.max(0, this.#extra - this.#step);
      this.#changedAt += this.#calm;
    }
    return this.#base + this.#extra;
  }
}
