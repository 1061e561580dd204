/**
 * The network side of the FLV engine: one long `fetch`, whose bytes go to mpegts.js and, on the way,
 * past our scanner. mpegts.js takes it as its `customLoader`.
 *
 * Its own loader does the same but tells neither how many bytes came nor when script tags stand on
 * the media timeline, and both are needed for honest numbers.
 */

/** How long the answer's header may take; the server holds a request while a publisher is away. */
const HEADER_TIMEOUT = 15_000;

/**
 * A loader class bound to one scanner.
 * @param {object} mpegts the library
 * @param {import('./flv-scan.js').FlvScanner} scanner
 */
export function flvLoaderClass(mpegts, scanner) {
  const { LoaderStatus, LoaderErrors } = mpegts;

  return class FlvLoader extends mpegts.BaseLoader {
    #abort = new AbortController();
    #received = 0;

    constructor() {
      super('gamecast-flv');
    }

    async open(source, range) {
      this._status = LoaderStatus.kConnecting;
      const timer = setTimeout(() => this.#fail(LoaderErrors.CONNECTING_TIMEOUT, -1, 'no answer'), HEADER_TIMEOUT);
      try {
        const response = await fetch(source.url, { signal: this.#abort.signal, cache: 'no-store' });
        clearTimeout(timer);
        if (!response.ok) {
          this.#fail(LoaderErrors.HTTP_STATUS_CODE_INVALID, response.status, response.statusText);
          return;
        }
        this._status = LoaderStatus.kBuffering;
        await this.#pump(response.body.getReader(), range.from);
      } catch (error) {
        clearTimeout(timer);
        this.#fail(LoaderErrors.EARLY_EOF, -1, error.message);
      }
    }

    abort() {
      this._status = LoaderStatus.kComplete;
      this.#abort.abort();
    }

    destroy() {
      this.#abort.abort();
      super.destroy();
    }

    async #pump(reader, from) {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#abort.signal.aborted) return;
        if (done) break;
        scanner.feed(value);
        const start = from + this.#received;
        this.#received += value.byteLength;
        this._onDataArrival?.(exactBuffer(value), start, this.#received);
      }
      this._status = LoaderStatus.kComplete;
      this._onComplete?.(from, from + this.#received - 1);
    }

    #fail(type, code, message) {
      if (this.#abort.signal.aborted) return;
      this.#abort.abort();
      this._status = LoaderStatus.kError;
      this._onError?.(type, { code, msg: message });
    }
  };
}

/** The ArrayBuffer of a chunk; copied only when the chunk is a window on something larger. */
function exactBuffer(chunk) {
  const { buffer, byteOffset, byteLength } = chunk;
  if (byteOffset === 0 && byteLength === buffer.byteLength) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength);
}
