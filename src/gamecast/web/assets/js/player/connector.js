/**
 * Keeps one session alive for a stream: picks the engine, opens it, and after a failure opens it or the
 * next one again, with growing pauses. Knows nothing of states and screens; it only tells.
 *
 * Callbacks: `onOpening(id)`, `onReady`, `onPlaying`, `onStalled`, `onLost(reason, seconds)` an attempt
 * follows after so many seconds, `onExhausted(refused)` no engine can play this.
 */
import { Backoff } from '../lib/backoff.js';
import { engineById, engines } from './engines/index.js';
import { candidates, Fallback } from './selection.js';
import { Session } from './session.js';
import { Upgrade } from './upgrade.js';

/** After a regular end the server is asked again no sooner than this (ms). */
const END_PAUSE = 1500;

const seconds = () => performance.now() / 1000;

export class Connector {
  #context;
  #callbacks;
  #freeze;
  #backoff = new Backoff();
  #fallback = new Fallback([]);
  #session = null;
  #stream = null;
  #timer = null;
  #upgrade = new Upgrade(
    () => this.#probe(),
    () => this.#ascend(),
  );

  /** Why engines were left out, by id. */
  refused = {};

  /**
   * @param {object} context `{video, url, clock, log}` for engines
   * @param {import('./freeze.js').FreezeFrame} freeze
   * @param {object} callbacks see above
   */
  constructor(context, freeze, callbacks) {
    this.#context = context;
    this.#freeze = freeze;
    this.#callbacks = callbacks;
  }

  /** The session on the element now, or `null`. */
  get session() {
    return this.#session;
  }

  /** Ids of the engines that could play the stream, best first. */
  get usable() {
    return this.#fallback.ids;
  }

  /** Decide anew how to play a stream, and forget old failures. */
  plan(stream, preference) {
    this.#stream = stream;
    const { ids, refused } = candidates(engines(), stream, preference);
    this.refused = refused;
    this.#fallback = new Fallback(ids, { sturdier: preference === 'auto' });
    this.#backoff.reset();
    this.#upgrade.reset();
  }

  /** Keep the newest description of the same stream for the next session. */
  update(stream) {
    this.#stream = stream;
  }

  /** Connect now, in place of whatever is there. */
  open() {
    this.close();
    const id = this.#fallback.current;
    if (id === null) {
      this.#callbacks.onExhausted(this.refused);
      return;
    }
    this.#callbacks.onOpening(id);
    const context = { ...this.#context, stream: this.#stream };
    this.#session = new Session(engineById(id), context, {
      onReady: () => this.#callbacks.onReady(),
      onPlaying: () => this.#playing(),
      onStalled: () => this.#stalled(),
      onEnded: () => this.#lost('ended', Math.max(END_PAUSE, this.#backoff.next())),
      onFailure: (failure) => this.#failed(failure),
    });
    this.#session.start();
  }

  /** Let go; the last picture stays on the screen. */
  close() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#upgrade.cancel();
    if (this.#session === null) return;
    this.#freeze.capture();
    this.#session.stop();
    this.#session = null;
  }

  /** A network came back or somebody is impatient: do not wait for the pause to pass. */
  hurry() {
    if (this.#timer !== null) this.open();
  }

  /** The play was good long enough to forget earlier trouble. */
  settled() {
    this.#backoff.reset();
  }

  #playing() {
    this.#freeze.release();
    this.#fallback.playing(seconds());
    if (this.#fallback.better !== null) this.#upgrade.arm();
    this.#callbacks.onPlaying();
  }

  async #probe() {
    const probe = engineById(this.#fallback.better)?.probe;
    return probe ? probe({ ...this.#context, stream: this.#stream }) : false;
  }

  #ascend() {
    const from = this.#session?.id ?? null;
    this.#fallback.ascend();
    this.#context.log('info', 'engine-next', { from, to: this.#fallback.current });
    this.open();
  }

  #stalled() {
    const { publisherLost, id } = this.#session;
    if (!publisherLost && this.#fallback.stalled(seconds())) {
      this.#context.log('warning', 'engine-unstable', { from: id, to: this.#fallback.current });
      this.open();
      return;
    }
    this.#callbacks.onStalled();
  }

  #failed({ kind, code, detail }) {
    const engine = this.#session.id;
    this.#context.log('warning', 'engine-failed', { engine, kind, code, detail });
    const unsupported = kind === 'unsupported';
    if (unsupported) this.refused[engine] = code;
    const unreachable = kind === 'unreachable';
    const verdict = this.#fallback.failed(seconds(), { unsupported, unreachable });
    if (verdict === 'none') {
      this.close();
      this.#callbacks.onExhausted(this.refused);
      return;
    }
    if (verdict === 'next') {
      this.#context.log('info', 'engine-next', { from: engine, to: this.#fallback.current });
    }
    const now = verdict === 'next' && (unreachable || unsupported);
    this.#lost(kind, now ? 0 : this.#backoff.next());
  }

  #lost(reason, delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), delay);
    this.#callbacks.onLost(reason, delay / 1000);
  }
}
