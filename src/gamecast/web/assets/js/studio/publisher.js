/**
 * On air or not: opens WHIP sessions and opens them again, with growing pauses, until the streamer
 * stops. What the server refuses for good (a wrong key, a channel in use) ends it.
 *
 * Events: `state` {state, error}: `off`, `connecting`, `live`, `reconnecting`; `sample` once a second
 * while there is a session, see stats.js.
 */
import { Backoff } from '../lib/backoff.js';
import { Emitter } from '../lib/emitter.js';
import { OfferRefused } from '../lib/webrtc.js';
import { WhipSession } from './whip.js';
import { PublishStats } from './stats.js';

/** HTTP statuses that no second attempt changes. */
const FINAL = new Set([400, 401, 403, 404, 406, 409, 413, 415]);

/** The server of a stream that just broke may still hold it: "in use" is believed after so many. */
const PATIENCE = 4;

export class Publisher extends Emitter {
  #session = null;
  #options = null;
  #backoff = new Backoff({ base: 700, max: 8000 });
  #retry = null;
  #sampler = null;
  #stats = null;

  state = 'off';
  error = null;
  /** The channel we are on, or were on last. */
  channel = '';
  /** When we came on air (epoch ms), or `null`. */
  since = null;

  /** @param {object} options of `WhipSession.open` */
  start(options) {
    this.#options = options;
    this.#backoff.reset();
    this.since = null;
    this.#set('connecting');
    return this.#open();
  }

  async stop(error = null) {
    clearTimeout(this.#retry);
    const session = this.#drop();
    this.since = null;
    this.#set('off', error);
    await session?.close();
  }

  /** Another source or other wishes while on air. */
  async change({ video, picture }) {
    if (this.state === 'off') return;
    Object.assign(this.#options, { video, picture });
    await this.#session?.replaceVideo(video, picture).catch(() => {}); // the next session has it
  }

  async #open() {
    const session = new WhipSession({
      onConnected: () => this.#connected(),
      onLost: (code) => this.#lost(session, { code }),
    });
    this.#session = session;
    try {
      const channel = await session.open(this.#options);
      if (this.#session === session && channel) this.channel = channel;
    } catch (error) {
      this.#lost(session, describe(error));
    }
  }

  #connected() {
    this.since ??= Date.now();
    this.#stats ??= new PublishStats();
    this.#sampler ??= setInterval(() => this.#sample(), 1000);
    this.#backoff.reset();
    this.#set('live');
  }

  #lost(session, error) {
    if (this.#session !== session) return;
    const wasLive = this.since !== null;
    const inUse = error.status === 409 && wasLive && this.#backoff.attempts < PATIENCE;
    if (FINAL.has(error.status) && !inUse) {
      this.stop(error);
      return;
    }
    this.#drop()?.close();
    this.#set(wasLive ? 'reconnecting' : 'connecting', error);
    this.#retry = setTimeout(() => this.#open(), this.#backoff.next());
  }

  #drop() {
    const session = this.#session;
    this.#session = null;
    clearInterval(this.#sampler);
    this.#sampler = null;
    this.#stats = null;
    return session;
  }

  async #sample() {
    const reports = await this.#session?.peer.getStats().catch(() => null);
    if (!reports || this.#stats === null) return;
    this.emit('sample', this.#stats.read([...reports.values()]));
  }

  #set(state, error = null) {
    this.state = state;
    this.error = error;
    this.emit('state', { state, error });
  }
}

/** `{code, status, detail}` of what `WhipSession.open` threw. */
function describe(error) {
  if (!(error instanceof OfferRefused)) return { code: 'browser', status: 400, detail: error.message };
  return { code: error.code ?? 'refused', status: error.status, detail: error.message };
}
