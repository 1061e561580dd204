import { readScript } from '/assets/js/player/engines/amf0.js';
import { FlvScanner } from '/assets/js/player/engines/flv-scan.js';
import { equal, ok } from './assert.js';

const AUDIO = 8;
const VIDEO = 9;
const SCRIPT = 18;

const text = (value) => {
  const bytes = [...new TextEncoder().encode(value)];
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
};
const number = (value) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [0, ...new Uint8Array(view.buffer)];
};
const string = (value) => [2, ...text(value)];
const object = (members) => [
  3,
  ...Object.entries(members).flatMap(([key, value]) => [...text(key), ...value]),
  0, 0, 9,
];

function tag(type, timestamp, body) {
  const size = body.length;
  const header = [
    type, size >> 16, (size >> 8) & 0xff, size & 0xff,
    (timestamp >> 16) & 0xff, (timestamp >> 8) & 0xff, timestamp & 0xff, timestamp >>> 24,
    0, 0, 0,
  ];
  const total = size + 11;
  return [...header, ...body, total >>> 24, (total >> 16) & 0xff, (total >> 8) & 0xff, total & 0xff];
}

const HEADER = [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];
const cue = (time, wall) =>
  tag(SCRIPT, 0, [
    ...string('onCuePoint'),
    ...object({ name: string('gamecast.clock'), time: number(time), wall: number(wall) }),
  ]);
const STREAM = [
  ...HEADER,
  ...tag(SCRIPT, 0, [...string('onMetaData'), ...object({ width: number(320) })]),
  ...tag(VIDEO, 0, [0x17, 0, 0, 0, 0, 1, 2, 3]), // AVC sequence header
  ...tag(AUDIO, 0, [0xaf, 0, 0x11, 0x90]), // AAC sequence header
  ...cue(90.04, 1_700_000_000_123.5),
  ...tag(VIDEO, 90_040, [0x17, 1, 0, 0, 0, ...Array(300).fill(7)]),
  ...tag(AUDIO, 90_030, [0xaf, 1, 1, 2, 3]),
  ...tag(VIDEO, 90_073, [0x27, 1, 0, 0, 0, 9]),
  ...cue(91.04, 1_700_000_001_123.5),
];

function scan(bytes, portion = bytes.length) {
  const found = [];
  const scanner = new FlvScanner((name, value) => found.push([name, value]));
  const data = new Uint8Array(bytes);
  for (let offset = 0; offset < data.length; offset += portion) {
    scanner.feed(data.subarray(offset, offset + portion));
  }
  return { found, scanner };
}

export const tests = {
  'script tags are found with their values'() {
    const { found } = scan(STREAM);
    equal(found.map(([name]) => name), ['onMetaData', 'onCuePoint', 'onCuePoint']);
    equal(found[1][1], { name: 'gamecast.clock', time: 90.04, wall: 1_700_000_000_123.5 });
  },
  'it does not matter how the bytes are cut'() {
    const whole = JSON.stringify(scan(STREAM).found);
    for (const portion of [1, 2, 3, 7, 11, 64, 257]) {
      const { found, scanner } = scan(STREAM, portion);
      equal(JSON.stringify(found), whole, `portions of ${portion}`);
      equal(scanner.firstMedia, 90_030, `portions of ${portion}`);
      equal(scanner.bytes, STREAM.length);
    }
  },
  'codec configurations are no frames'() {
    const { scanner } = scan(STREAM.slice(0, HEADER.length + 100));
    equal(scanner.firstMedia, null);
  },
  'Enhanced RTMP headers are understood'() {
    const av1 = [...'av01'].map((character) => character.charCodeAt(0));
    const start = [...HEADER, ...tag(VIDEO, 5, [0x90, ...av1, 1, 2])];
    equal(scan(start).scanner.firstMedia, null, 'a sequence start');
    equal(scan([...start, ...tag(VIDEO, 40, [0x91, ...av1, 1, 2])]).scanner.firstMedia, 40);
    const opus = [...'Opus'].map((character) => character.charCodeAt(0));
    equal(scan([...HEADER, ...tag(AUDIO, 9, [0x91, ...opus, 1])]).scanner.firstMedia, 9);
  },
  'a track that begins much later has no part in the start'() {
    const late = [
      ...HEADER,
      ...tag(VIDEO, 5000, [0x17, 1, 0, 0, 0, 1]),
      ...tag(AUDIO, 100, [0xaf, 1, 1]),
    ];
    equal(scan(late).scanner.firstMedia, 5000);
  },
  'timestamps beyond 31 bits are read unsigned'() {
    equal(scan([...HEADER, ...tag(VIDEO, 0xfffffff0, [0x17, 1, 0, 0, 0, 1])]).scanner.firstMedia, 0xfffffff0);
  },
  'an overlong script tag is passed over'() {
    const long = [...HEADER, ...tag(SCRIPT, 0, Array(20_000).fill(0)), ...cue(1, 2)];
    equal(scan(long).found.length, 1);
  },
  'malformed AMF gives nothing and throws nothing'() {
    const good = [...string('onCuePoint'), ...object({ wall: number(1), name: string('x') })];
    for (let cut = 0; cut < good.length; cut += 1) {
      equal(readScript(new Uint8Array(good.slice(0, cut))), null, `cut at ${cut}`);
    }
    let state = 12345;
    const random = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16;
    for (let round = 0; round < 3000; round += 1) {
      const bytes = [...good];
      for (let flips = 0; flips < 4; flips += 1) bytes[random() % bytes.length] = random() & 0xff;
      readScript(new Uint8Array(bytes));
    }
  },
  'AMF that nests without end is refused'() {
    const deep = Array(50).fill([3, ...text('a')]).flat();
    equal(readScript(new Uint8Array([...string('x'), ...deep])), null);
  },
  'a member called __proto__ changes nothing'() {
    const value = readScript(new Uint8Array([...string('x'), ...object({ ['__proto__']: object({ bad: number(1) }) })]));
    ok({}.bad === undefined);
    ok(value !== null);
  },
};
