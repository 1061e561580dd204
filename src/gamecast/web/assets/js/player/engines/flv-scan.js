/**
 * Reads along in a byte stream of FLV tags (Adobe Flash Video File Format 10.1, annex E): counts bytes, remembers the first media timestamp, which says where mpegts.js puts media time 0, and picks
 * out the script tags.
 */
import { readScript } from './amf0.js';

const FILE_HEADER = 9;
const BACK_POINTER = 4;
const TAG_HEADER = 11;
const AUDIO = 8;
const VIDEO = 9;
const SCRIPT = 18;

/** A track that begins later than this (ms) had no part in choosing the start. */
const SAME_START = 1000;

/** Longer script tags are let pass unread: nothing of ours is that long. */
const SCRIPT_LIMIT = 16 * 1024;

export class FlvScanner {
  #onScript;
  #pending = new Uint8Array(0);
  #wanted = FILE_HEADER;
  #read = this.#fileHeader;
  #skip = 0;
  #tag = null;
  /** The first frame's timestamp of each kind, in the order they came. */
  #first = new Map();

  /** Bytes seen, of everything. */
  bytes = 0;

  /** @param {(name: string, value: unknown) => void} onScript gets each script tag */
  constructor(onScript) {
    this.#onScript = onScript;
  }

  /**
   * The timestamp in milliseconds that mpegts.js puts at media time 0: the lesser of the first audio
   * and the first video frame. `null` before any frame.
   */
  get firstMedia() {
    const [first = null, second] = this.#first.values();
    if (second === undefined) return first;
    const ahead = (first - second) | 0;
    return ahead > 0 && ahead < SAME_START ? second : first;
  }

  /** @param {Uint8Array} data the next bytes, in any portions */
  feed(data) {
    this.bytes += data.length;
    let offset = 0;
    while (offset < data.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, data.length - offset);
        this.#skip -= step;
        offset += step;
        continue;
      }
      const missing = this.#wanted - this.#pending.length;
      const part = data.subarray(offset, offset + missing);
      offset += part.length;
      if (part.length < missing) {
        this.#pending = joined(this.#pending, part);
        return;
      }
      const whole = this.#pending.length > 0 ? joined(this.#pending, part) : part;
      this.#pending = new Uint8Array(0);
      this.#read(whole);
    }
  }

  #expect(count, read) {
    this.#wanted = count;
    this.#read = read;
  }

  #fileHeader(bytes) {
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(5);
    this.#skip = Math.max(0, size - FILE_HEADER) + BACK_POINTER;
    this.#expect(TAG_HEADER, this.#tagHeader);
  }

  #tagHeader(bytes) {
    const type = bytes[0] & 0x1f;
    const size = (bytes[1] << 16) | (bytes[2] << 8) | bytes[3];
    const timestamp = ((bytes[7] << 24) | (bytes[4] << 16) | (bytes[5] << 8) | bytes[6]) >>> 0;
    this.#tag = { type, size, timestamp };
    const script = type === SCRIPT && size > 0 && size <= SCRIPT_LIMIT;
    const media = (type === AUDIO || type === VIDEO) && size > 1;
    if (script) this.#expect(size, this.#script);
    else if (media) this.#expect(2, this.#media);
    else this.#skip = size + BACK_POINTER;
  }

  #script(bytes) {
    const found = readScript(bytes);
    this.#skip = BACK_POINTER;
    this.#expect(TAG_HEADER, this.#tagHeader);
    if (found) this.#onScript(found.name, found.value);
  }

  #media(bytes) {
    const { type, size, timestamp } = this.#tag;
    this.#skip = size - 2 + BACK_POINTER;
    this.#expect(TAG_HEADER, this.#tagHeader);
    if (!this.#first.has(type) && carriesFrame(type, bytes[0], bytes[1])) {
      this.#first.set(type, timestamp);
    }
  }
}

/** Whether a tag holds a frame and not a codec configuration (legacy and Enhanced RTMP headers). */
function carriesFrame(type, first, second) {
  if (type === AUDIO) {
    const format = first >> 4;
    if (format === 9) return (first & 0x0f) === 1;
    return format !== 10 || second !== 0;
  }
  if (first & 0x80) return [1, 3].includes(first & 0x0f);
  return (first & 0x0f) !== 7 || second === 1;
}

function joined(head, tail) {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
