import { EventLog } from '/assets/js/lib/eventlog.js';
import {
  formatBitrate, formatCount, formatLatency, formatNumber, formatSeconds, formatShare, formatUptime, qualityLabel,
} from '/assets/js/lib/format.js';
import { Preferences } from '/assets/js/lib/preferences.js';
import { bestLanguage } from '/assets/js/i18n.js';
import { axis, runs } from '/assets/js/panels/charts.js';
import { softwareName, trackSignature, unplayable } from '/assets/js/player/codecs.js';
import { shortcutFor } from '/assets/js/player/keyboard.js';
import { channelFromPath } from '/assets/js/pages/setup.js';
import { equal, ok, throws } from './assert.js';

const memory = (text = null) => {
  let kept = text;
  return { getItem: () => kept, setItem: (_key, value) => { kept = value; }, get kept() { return kept; } };
};
const press = (key, target = document.body, extra = {}) =>
  shortcutFor({ key, target, ctrlKey: false, altKey: false, metaKey: false, ...extra })?.action ?? null;
const element = (markup) => {
  const holder = document.createElement('div');
  holder.innerHTML = markup;
  return holder.firstElementChild;
};

export const tests = {
  'bit rates'() {
    equal([0, 640_400, 6_000_000, 999_600, 123e6].map((bits) => formatBitrate(bits, 'en')),
      ['0 kbit/s', '640 kbit/s', '6.0 Mbit/s', '1.0 Mbit/s', '123 Mbit/s']);
    equal([null, Number.NaN, -1].map((bits) => formatBitrate(bits, 'en')), ['–', '–', '–']);
  },
  'seconds'() {
    equal([0, 0.0421, 0.842, 2.44, 12.3].map((value) => formatSeconds(value, 'en')),
      ['0 ms', '42 ms', '0.84 s', '2.4 s', '12 s']);
    equal([0.842, -0.2, 14.2, null].map((value) => formatLatency(value, 'en')), ['0.8 s', '< 0.1 s', '14 s', '']);
  },
  'running times'() {
    equal([0, 247_000, 3_753_000, 90_061_000].map(formatUptime), ['0:00', '4:07', '1:02:33', '25:01:01']);
  },
  'counts, numbers and shares'() {
    equal([7, 1204, 12_345].map((count) => formatCount(count, 'en')), ['7', '1,204', '12.3K']);
    equal(formatCount(12_345, 'zh-CN'), '1.2万');
    equal(formatNumber(59.94, 'en', 2), '59.94');
    equal(formatShare(5, 1000, 'en'), '0.5%');
    equal(formatShare(1, 0, 'en'), '–');
  },
  'quality labels'() {
    equal([[1920, 1080, 60], [1280, 720, 30], [1080, 1920, 59.94], [0, 0, 0]].map((size) => qualityLabel(...size)),
      ['1080p60', '720p', '1080p60', '']);
  },
  'preferences are kept'() {
    const storage = memory();
    new Preferences(storage).set('volume', 0.3);
    equal(new Preferences(storage).get('volume'), 0.3);
  },
  'preferences that were tampered with fall back to the defaults'() {
    for (const text of ['{', 'null', '[]', '{"volume": 7, "theme": "pink", "muted": "yes", "language": "../x"}']) {
      const preferences = new Preferences(memory(text));
      equal([preferences.get('volume'), preferences.get('theme'), preferences.get('muted')], [1, 'system', false]);
      equal(preferences.get('language'), 'auto');
    }
  },
  'preferences work without a store, and refuse our own mistakes'() {
    const preferences = new Preferences(null);
    preferences.set('theme', 'dark');
    equal(preferences.get('theme'), 'dark');
    throws(() => preferences.set('theme', 'pink'), TypeError);
    throws(() => preferences.set('nonsense', 1), TypeError);
  },
  'the best language of a list of wishes'() {
    equal([['zh-TW', 'en'], ['de', 'en-GB'], ['fr'], ['zh'], []].map(bestLanguage),
      ['zh-CN', 'en', 'en', 'zh-CN', 'en']);
  },
  'keys mean their actions'() {
    equal([' ', 'k', 'K', 'm', 'f', 't', 'w', 'i', 's', 'e', '?', 'l', '0', 'End', 'ArrowUp', 'ArrowLeft', 'x']
      .map((key) => press(key)),
    ['toggle', 'toggle', 'toggle', 'mute', 'fullscreen', 'theatre', 'webFullscreen', 'pip', 'stats', 'log', 'help',
      'live', 'live', 'live', 'volume', 'seek', null]);
  },
  'keys with Control, Alt or Command belong to the browser'() {
    for (const modifier of ['ctrlKey', 'altKey', 'metaKey']) equal(press('f', document.body, { [modifier]: true }), null);
  },
  'somebody who types is left alone'() {
    for (const markup of ['<input>', '<input type="search">', '<textarea></textarea>', '<select></select>', '<p contenteditable>']) {
      for (const key of ['m', ' ', 'ArrowUp']) {
        // isContentEditable is true only for what is in a document.
        const target = document.body.appendChild(element(markup));
        equal(press(key, target), null, `${key} in ${markup}`);
        target.remove();
      }
    }
  },
  'controls keep the keys they need themselves'() {
    equal(press(' ', element('<button></button>')), null);
    equal(press('m', element('<button></button>')), 'mute');
    equal(press('ArrowUp', element('<input type="range">')), null);
    equal(press('m', element('<input type="range">')), 'mute');
    equal(press('ArrowDown', element('<div role="menu"><b></b></div>').firstChild), null);
  },
  'the value axis has air, a least span, and no negative part'() {
    const { low, high } = axis([10, 20], 1);
    ok(low < 10 && high > 20);
    equal(axis([], 5), { low: 0, high: 5 });
    const flat = axis([100, 100], 10);
    ok(flat.high - flat.low >= 10);
    equal(axis([0.1, 0.2], 2).low, 0);
  },
  'gaps divide a line'() {
    equal(runs([1, 2, null, 3, null]), [[[0, 1], [1, 2]], [[3, 3]]]);
  },
  'what cannot be played is named'() {
    const stream = { tracks: [
      { kind: 'video', codec: 'hevc', codec_string: 'hvc1.1.6.L93.B0' },
      { kind: 'audio', codec: 'aac', codec_string: 'mp4a.40.2' },
    ] };
    equal(unplayable(stream, (type) => !type.includes('hvc1')), 'HEVC');
    equal(unplayable(stream, () => true), null);
    equal(unplayable(stream, null), 'mse');
    equal(unplayable({ tracks: [{ kind: 'video', codec: 'h264' }] }, () => false), null);
    equal(trackSignature(stream), 'audio:aac video:hevc');
  },
  'encoders by their common names'() {
    equal([
      'FMLE/3.0 (compatible; Gamecast)', 'Lavf60.3.100', 'obs-output module (libobs version 29.0.2)', 'XSplit', null,
    ].map(softwareName), ['Gamecast', 'FFmpeg (Lavf 60.3.100)', 'OBS 29.0.2', 'XSplit', '']);
  },
  'the channel of a path'() {
    equal(['/demo', '/embed/demo', '/demo/', '/%E6%B8%B8%E6%88%8F', '/%zz'].map(channelFromPath),
      ['demo', 'demo', 'demo', '游戏', '%zz']);
  },
  'the log is bounded and counts repeats'() {
    const log = new EventLog();
    for (let index = 0; index < 3; index += 1) log.add('debug', 'engine-note', { code: 'x' });
    equal([log.entries.length, log.entries[0].count], [1, 3]);
    for (let index = 0; index < 2000; index += 1) log.add('info', 'state-playing', { index });
    ok(log.entries.length <= 500);
    ok(log.text(['header']).startsWith('header\n\n'));
    ok(/^\S+Z info {4}state-playing \{"index":1999\}$/m.test(log.text()));
  },
};
