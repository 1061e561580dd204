/**
 * What the viewer chose, kept in localStorage under one key as JSON. Everything read back is checked:
 * the store may be old, edited or missing (private windows), and then the default holds.
 */
import { Emitter } from './emitter.js';

const KEY = 'gamecast';

const oneOf = (...values) => (value) => values.includes(value);
const flag = (value) => typeof value === 'boolean';
const share = (value) => typeof value === 'number' && value >= 0 && value <= 1;
const name = (value) => typeof value === 'string' && /^[a-z0-9-]{1,20}$/i.test(value);

/** Every preference: its default and the test a stored value must pass. */
const SCHEMA = {
  volume: [1, share],
  muted: [false, flag],
  protocol: ['auto', name],
  catchUp: [true, flag],
  theme: ['system', oneOf('system', 'light', 'dark')],
  language: ['auto', name],
  panel: ['stats', oneOf('stats', 'log')],
  panelOpen: [true, flag],
  theatre: [false, flag],
};

export class Preferences extends Emitter {
  #storage;
  #name;
  #schema;
  #values = {};

  /**
   * @param {Storage | null} [storage] where to keep them; `null` keeps them for this page only
   * @param {{name?: string, schema?: object}} [options] another set: its key in the store, and for
   *   every value its default and the test that it must pass
   */
  constructor(storage = defaultStorage(), { name: store = KEY, schema = SCHEMA } = {}) {
    super();
    this.#storage = storage;
    this.#name = store;
    this.#schema = schema;
    const stored = this.#read();
    for (const [key, [fallback, valid]] of Object.entries(schema)) {
      this.#values[key] = valid(stored[key]) ? stored[key] : fallback;
    }
  }

  get(key) {
    return this.#values[key];
  }

  /** Keep a value; emits `change` with the key. A value of the wrong kind is our own mistake. */
  set(key, value) {
    if (!this.#schema[key]?.[1](value)) throw new TypeError(`bad preference ${key}: ${value}`);
    if (this.#values[key] === value) return;
    this.#values[key] = value;
    this.#write();
    this.emit('change', key);
  }

  #read() {
    try {
      const stored = JSON.parse(this.#storage?.getItem(this.#name) ?? '{}');
      return stored !== null && typeof stored === 'object' ? stored : {};
    } catch {
      return {};
    }
  }

  #write() {
    try {
      this.#storage?.setItem(this.#name, JSON.stringify(this.#values));
    } catch {
      // A full or forbidden store costs the memory of a choice, never the choice itself.
    }
  }
}

function defaultStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
