/**
 * The player's state machine: one table, no timers, no elements.
 *
 *   idle          nothing known yet about the stream
 *   connecting    an engine is loading; there is no moving picture yet
 *   playing       the picture moves
 *   buffering     it stopped for want of data, the connection stands
 *   paused        the viewer stopped it
 *   blocked       the browser wants a gesture before it plays anything, even muted
 *   reconnecting  the connection or the publisher went away; attempts go on until `playing`
 *   offline       nobody publishes; `start` comes by itself when somebody does
 *   error         no way is left to play this stream here; needs the viewer or another stream
 *
 * Media elements report things at any time, so an event that a state does not list is not an error:
 * it changes nothing.
 */
const TABLE = {
  idle: { start: 'connecting', absent: 'offline', fatal: 'error' },
  connecting: {
    start: 'connecting',
    playing: 'playing',
    pause: 'paused',
    blocked: 'blocked',
    lost: 'reconnecting',
    absent: 'offline',
    fatal: 'error',
  },
  playing: {
    start: 'connecting',
    waiting: 'buffering',
    pause: 'paused',
    lost: 'reconnecting',
    absent: 'offline',
    fatal: 'error',
  },
  buffering: {
    start: 'connecting',
    playing: 'playing',
    pause: 'paused',
    blocked: 'blocked',
    lost: 'reconnecting',
    absent: 'offline',
    fatal: 'error',
  },
  paused: {
    start: 'connecting',
    resume: 'connecting',
    playing: 'playing',
    absent: 'offline',
    fatal: 'error',
  },
  blocked: {
    start: 'connecting',
    resume: 'connecting',
    playing: 'playing',
    absent: 'offline',
    fatal: 'error',
  },
  reconnecting: {
    start: 'reconnecting',
    playing: 'playing',
    pause: 'paused',
    blocked: 'blocked',
    lost: 'reconnecting',
    absent: 'offline',
    fatal: 'error',
  },
  offline: { start: 'connecting' },
  error: { start: 'connecting', absent: 'offline' },
};

export const STATES = Object.freeze(Object.keys(TABLE));

/** The state that follows `state` on `event`, or `null` when the event means nothing there. */
export function nextState(state, event) {
  return TABLE[state][event] ?? null;
}

export class StateMachine {
  #state = 'idle';
  #reason = null;
  #onChange;

  /** @param {(state: string, previous: string, reason: string | null) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get state() {
    return this.#state;
  }

  /** Why the machine is where it is: a short code, or `null`. */
  get reason() {
    return this.#reason;
  }

  /** Whether the state is one of these. */
  is(...states) {
    return states.includes(this.#state);
  }

  /**
   * Feed an event. A new reason for the same state counts as a change too, so that "reconnecting"
   * can say what it is waiting for.
   * @returns {boolean} whether anything changed
   */
  send(event, reason = null) {
    const next = nextState(this.#state, event);
    if (next === null || (next === this.#state && reason === this.#reason)) return false;
    const previous = this.#state;
    this.#state = next;
    this.#reason = reason;
    this.#onChange(next, previous, reason);
    return true;
  }
}
