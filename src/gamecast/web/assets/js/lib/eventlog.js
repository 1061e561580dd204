/** What happened, newest last, bounded. The panel shows it; people paste it into reports. */
import { Emitter } from './emitter.js';

const KEPT = 500;

/** Debug notes are many; the same one is kept once and counted. */
export class EventLog extends Emitter {
  #entries = [];
  #serial = 0;

  get entries() {
    return this.#entries;
  }

  /**
   * @param {'debug' | 'info' | 'warning' | 'error'} level
   * @param {string} code names the text `log.<code>` of the locales
   * @param {object} [details] values for the text, also written out in the copy
   */
  add(level, code, details = {}) {
    const last = this.#entries.at(-1);
    if (last && last.code === code && JSON.stringify(last.details) === JSON.stringify(details)) {
      last.count += 1;
      last.time = Date.now();
      this.emit('change', last);
      return;
    }
    this.#serial += 1;
    this.#entries.push({ id: this.#serial, time: Date.now(), level, code, details, count: 1 });
    if (this.#entries.length > KEPT) this.#entries.shift();
    this.emit('change', this.#entries.at(-1));
  }

  clear() {
    this.#entries = [];
    this.emit('change', null);
  }

  /** The whole log as text: a line of ISO time, level, code and details for each entry. */
  text(header = []) {
    const lines = this.#entries.map(({ time, level, code, details, count }) => {
      const more = Object.keys(details).length > 0 ? ` ${JSON.stringify(details)}` : '';
      const times = count > 1 ? ` (x${count})` : '';
      return `${new Date(time).toISOString()} ${level.padEnd(7)} ${code}${more}${times}`;
    });
    return [...header, '', ...lines].join('\n');
  }
}
