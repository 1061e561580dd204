/**
 * The server's clock, seen from this page.
 *
 * Latency is measured against wall times that the server writes (PROGRAM-DATE-TIME, cue points),
 * so the viewer's own clock, which may be minutes off, must not enter. Each server-sent event carries
 * the server's time. A sample arrives late by the network's delay, never early, so the largest
 * difference `server - client` in a window is the one with the least delay; half of the shortest
 * measured round trip makes up for what even that sample lost on its way (RFC 5905, section 8, does
 * the same with a filter over the samples of least delay).
 */
const WINDOW = 60;

/** Milliseconds since the epoch by this machine, monotonic within the page's life. */
export const clientNow = () => performance.timeOrigin + performance.now();

export class ServerClock {
  #samples = [];
  #roundTrip = Infinity;

  /** Whether `now` means the server's time; before the first sample it is this machine's. */
  get synced() {
    return this.#samples.length > 0;
  }

  /** Server minus client, in milliseconds. */
  get offset() {
    if (!this.synced) return 0;
    return Math.max(...this.#samples) + (this.roundTrip ?? 0) / 2;
  }

  /** The shortest round trip seen, in milliseconds, or `null`. */
  get roundTrip() {
    return Number.isFinite(this.#roundTrip) ? this.#roundTrip : null;
  }

  /** Milliseconds since the epoch on the server. */
  now(client = clientNow()) {
    return client + this.offset;
  }

  /** A time that the server stamped and that arrived now; `server` in epoch ms or RFC 3339. */
  sample(server, client = clientNow()) {
    const time = typeof server === 'string' ? Date.parse(server) : server;
    if (!Number.isFinite(time)) return;
    this.#samples.push(time - client);
    if (this.#samples.length > WINDOW) this.#samples.shift();
  }

  /** A measured round trip to the server, in milliseconds. */
  measured(roundTrip) {
    if (roundTrip >= 0) this.#roundTrip = Math.min(this.#roundTrip, roundTrip);
  }
}

/**
 * Measure the round trip with small requests, by the browser's own network timing, so that a busy
 * page does not count. A server that cannot be reached leaves the clock as it is.
 */
export async function probeRoundTrip(clock, { url = '/healthz', times = 3 } = {}) {
  for (let index = 0; index < times; index += 1) {
    const target = `${url}?probe=${index}`;
    try {
      await (await fetch(target, { cache: 'no-store' })).arrayBuffer();
    } catch {
      return;
    }
    const entry = performance.getEntriesByName(new URL(target, location.href).href).at(-1);
    if (entry?.requestStart > 0) clock.measured(entry.responseStart - entry.requestStart);
  }
}
