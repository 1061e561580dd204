/**
 * Live numbers from the server by server-sent events (WHATWG HTML, section 9.2).
 *
 * EventSource reconnects by itself only after some failures and never notices a connection that died
 * without a word, so this client does both: it counts on regular events and opens anew, with growing
 * pauses, when they stay away. Where event streams never get through (some proxies hold
 * them back), it asks the API instead.
 *
 * Events: `data` {name, data} for each message, `connection` `open` | `waiting` | `polling`.
 */
import { Backoff } from './lib/backoff.js';
import { Emitter } from './lib/emitter.js';

/**
 * Without any event for this long (ms) the connection is taken for dead. The server sends an event
 * every two seconds, but while a channel is off air only comments, which EventSource does not show.
 */
const SILENCE = 9000;
const SILENCE_OFF_AIR = 60_000;

/** Fruitless attempts before the API is asked instead, and how often it then is (ms). */
const ATTEMPTS_BEFORE_POLLING = 3;
const POLL_EVERY = 4000;

/** While polling, the event stream gets another chance every so many polls. */
const POLLS_BEFORE_TRYING = 15;

export class LiveEvents extends Emitter {
  #url;
  #names;
  #poll;
  #source = null;
  #backoff = new Backoff({ base: 1000, max: 20_000 });
  #heard = false;
  #polls = 0;
  #timers = { silence: null, reopen: null, poll: null };
  #state = null;

  /**
   * @param {string} url of the event stream
   * @param {string[]} names of the events to pass on
   * @param {() => Promise<{name: string, data: object}>} poll asks the API for the same news
   */
  constructor(url, names, poll) {
    super();
    this.#url = url;
    this.#names = names;
    this.#poll = poll;
  }

  /** `open`, `waiting`, `polling` or `null` before `start`. */
  get state() {
    return this.#state;
  }

  start() {
    this.#open();
    addEventListener('online', () => this.#reopen(0));
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#state === 'waiting') this.#reopen(0);
    });
    addEventListener('pagehide', () => this.stop());
    addEventListener('pageshow', ({ persisted }) => persisted && this.#open());
  }

  stop() {
    this.#source?.close();
    this.#source = null;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }

  #open() {
    this.stop();
    this.#heard = false;
    this.#source = new EventSource(this.#url);
    this.#source.addEventListener('error', () => this.#lost());
    for (const name of this.#names) {
      this.#source.addEventListener(name, ({ data }) => this.#message(name, data));
    }
    this.#listenFor(SILENCE);
  }

  #listenFor(milliseconds) {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#lost(), milliseconds);
  }

  #message(name, text) {
    this.#heard = true;
    this.#backoff.reset();
    this.#setState('open');
    let data = null;
    try {
      data = JSON.parse(text);
    } catch {
      return; // not one of ours; the next one will come
    }
    this.#listenFor(data.stream === null ? SILENCE_OFF_AIR : SILENCE);
    this.emit('data', { name, data });
  }

  #lost() {
    if (!this.#heard && this.#backoff.attempts >= ATTEMPTS_BEFORE_POLLING) {
      this.stop();
      this.#ask();
      return;
    }
    this.#reopen(this.#backoff.next());
  }

  #reopen(delay) {
    this.stop();
    this.#setState('waiting');
    this.#timers.reopen = setTimeout(() => this.#open(), delay);
  }

  async #ask() {
    try {
      const { name, data } = await this.#poll();
      this.#setState('polling');
      this.emit('data', { name, data });
    } catch {
      this.#reopen(this.#backoff.next());
      return;
    }
    this.#polls += 1;
    const next = this.#polls % POLLS_BEFORE_TRYING === 0 ? () => this.#open() : () => this.#ask();
    this.#timers.poll = setTimeout(next, POLL_EVERY);
  }

  #setState(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.emit('connection', state);
  }
}

/** The list of streams on air, for `poll`. */
export async function fetchStreams() {
  const response = await fetch('/api/v1/streams', { cache: 'no-store' });
  if (!response.ok) throw new Error(`streams: ${response.status}`);
  return (await response.json()).items;
}
