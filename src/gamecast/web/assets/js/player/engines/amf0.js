/**
 * A reader for the few AMF0 values (Action Message Format, AMF 0, section 2) that script tags hold.
 * Anything longer, deeper or stranger gives `null`; it never throws.
 */
const NUMBER = 0;
const BOOLEAN = 1;
const STRING = 2;
const OBJECT = 3;
const NULL = 5;
const UNDEFINED = 6;
const ECMA_ARRAY = 8;
const OBJECT_END = 9;
const STRICT_ARRAY = 10;
const DATE = 11;

const MAX_DEPTH = 4;
const MAX_MEMBERS = 256;

class Malformed extends Error {}

/**
 * @param {Uint8Array} bytes the body of a script tag
 * @returns {{name: string, value: unknown} | null}
 */
export function readScript(bytes) {
  try {
    const reader = new Reader(bytes);
    const name = reader.value(0);
    return typeof name === 'string' ? { name, value: reader.value(0) } : null;
  } catch (error) {
    if (error instanceof Malformed || error instanceof RangeError) return null;
    throw error;
  }
}

class Reader {
  #view;
  #offset = 0;

  constructor(bytes) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  value(depth) {
    if (depth > MAX_DEPTH) throw new Malformed('too deep');
    switch (this.#byte()) {
      case NUMBER:
        return this.#number();
      case BOOLEAN:
        return this.#byte() !== 0;
      case STRING:
        return this.#string();
      case OBJECT:
        return this.#members(depth);
      case ECMA_ARRAY:
        this.#offset += 4; // the count is a hint; an end marker closes the array as it does an object
        return this.#members(depth);
      case STRICT_ARRAY:
        return this.#array(depth);
      case DATE:
        return this.#date();
      case NULL:
      case UNDEFINED:
        return null;
      default:
        throw new Malformed('unknown type');
    }
  }

  #byte() {
    this.#offset += 1;
    return this.#view.getUint8(this.#offset - 1);
  }

  #number() {
    this.#offset += 8;
    return this.#view.getFloat64(this.#offset - 8);
  }

  #string() {
    const length = this.#view.getUint16(this.#offset);
    this.#offset += 2 + length;
    const start = this.#view.byteOffset + this.#offset - length;
    if (this.#offset > this.#view.byteLength) throw new Malformed('short string');
    return new TextDecoder().decode(new Uint8Array(this.#view.buffer, start, length));
  }

  #members(depth) {
    const members = Object.create(null);
    for (let count = 0; count < MAX_MEMBERS; count += 1) {
      const key = this.#string();
      if (key === '' && this.#view.getUint8(this.#offset) === OBJECT_END) {
        this.#offset += 1;
        return members;
      }
      members[key] = this.value(depth + 1);
    }
    throw new Malformed('too many members');
  }

  #array(depth) {
    const count = this.#view.getUint32(this.#offset);
    this.#offset += 4;
    if (count > MAX_MEMBERS) throw new Malformed('too many members');
    return Array.from({ length: count }, () => this.value(depth + 1));
  }

  #date() {
    const time = this.#number();
    this.#offset += 2; // a time zone, reserved
    return new Date(time);
  }
}
