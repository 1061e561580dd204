/** The level meter: one bar, and a mark where the sound has been loudest in the last second. */
import { h } from '../lib/dom.js';
import { SILENCE } from './mixer.js';

/** How fast bar and mark fall (dB per second), and how long the mark waits (ms). */
const FALL = 40;
const HOLD = 1000;

/** Above this (dB) it is too loud. */
const LOUD = -3;

export class Meter {
  #mixer;
  #level = SILENCE;
  #peak = SILENCE;
  #peakAt = 0;
  #drawnAt = 0;

  constructor(mixer) {
    this.#mixer = mixer;
    this.bar = h('span.meter-bar');
    this.mark = h('span.meter-mark');
    const attributes = { role: 'meter', 'aria-valuemin': String(SILENCE), 'aria-valuemax': '0' };
    this.element = h('div.meter', { ...attributes, 'data-i18n-label': 'studio.level' }, this.bar, this.mark);
    requestAnimationFrame((now) => this.#draw(now));
  }

  #draw(now) {
    const { level, peak } = this.#mixer.measure();
    const fallen = (FALL * (now - this.#drawnAt)) / 1000;
    this.#drawnAt = now;
    this.#level = Math.max(level, this.#level - fallen);
    if (peak >= this.#peak) {
      this.#peak = peak;
      this.#peakAt = now;
    } else if (now - this.#peakAt > HOLD) this.#peak = Math.max(peak, this.#peak - fallen);
    this.bar.style.setProperty('--share', share(this.#level));
    this.mark.style.setProperty('--share', share(this.#peak));
    this.element.classList.toggle('loud', this.#peak > LOUD);
    this.element.setAttribute('aria-valuenow', String(Math.round(this.#level)));
    requestAnimationFrame((next) => this.#draw(next));
  }
}

function share(decibel) {
  return String(Math.min(1, Math.max(0, 1 - decibel / SILENCE)));
}
