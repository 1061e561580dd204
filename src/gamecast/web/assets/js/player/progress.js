/**
 * Does the picture really move? Events of media elements do not always tell: a time that stands still
 * with data at hand, or sound that goes on over a picture that does not (Chromium does that for a few
 * seconds at a hole in the video track). Pure; time is an argument.
 */

/** Seconds without any progress of the media time; less when the element itself is out of data. */
const STUCK = 3;
const STUCK_DRY = 1;

/** Seconds in which the media time moves and not one new frame is decoded. */
const FROZEN = 2.5;

export class Progress {
  #time = null;
  #timeAt = 0;
  #frames = null;
  #framesAt = 0;

  /** Forget the past: after a jump, a pause, or a while in the background. */
  reset() {
    this.#time = null;
    this.#frames = null;
  }

  /**
   * @param {number} now seconds
   * @param {{time: number, frames: number | null, dry: boolean}} seen the media time, the number of
   *   frames decoded so far (`null`: there is no picture, or it cannot be told), and whether the
   *   element is out of data
   * @returns {'moving' | 'stuck' | 'frozen'}
   */
  observe(now, { time, frames, dry }) {
    if (this.#time === null || time !== this.#time) {
      this.#time = time;
      this.#timeAt = now;
    }
    if (this.#frames === null || frames === null || frames !== this.#frames) {
      this.#frames = frames;
      this.#framesAt = now;
    }
    if (now - this.#timeAt > (dry ? STUCK_DRY : STUCK)) return 'stuck';
    return now - this.#framesAt > FROZEN ? 'frozen' : 'moving';
  }
}
