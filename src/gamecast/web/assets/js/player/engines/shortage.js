/**
 * Whether the way to this viewer carries less than the stream needs. Pure: counters in, yes or no out.
 *
 * The server then leaves pictures out. WebRTC has no words for that, but what was never sent is
 * missing in the packets' numbers and is not repaired, while what the way merely lost is.
 */

/** Samples, one a second. */
const SPAN = 5;

/** Shares of the packets that are missing for good: from here on it is short, and below this enough. */
const SHORT = 0.1;
const ENOUGH = 0.03;

export class Shortage {
  #history = [];
  #short = false;

  /** @param {object} video counters of `inbound-rtp`, from the start of the connection */
  read({ packetsReceived = 0, packetsLost = 0, retransmittedPacketsReceived: repaired }) {
    if (repaired === undefined) return false; // this browser does not tell
    const now = { received: packetsReceived, missing: packetsLost - repaired };
    if (now.received < this.#history.at(-1)?.received) this.#history = []; // another connection
    this.#history.push(now);
    if (this.#history.length > SPAN + 1) this.#history.shift();
    const [first] = this.#history;
    const missing = Math.max(0, now.missing - first.missing);
    const share = missing / Math.max(1, now.received - first.received + missing);
    this.#short = share > (this.#short ? ENOUGH : SHORT);
    return this.#short;
  }
}
