import { Fallback, ORDER, candidates } from '/assets/js/player/selection.js';
import { equal, ok } from './assert.js';

const engine = (id, reason = null) => ({ id, unsupported: () => reason });
const ALL = [engine('native'), engine('hls'), engine('flv'), engine('whep')];

export const tests = {
  'the order is by latency, whatever the order of registration'() {
    equal(candidates(ALL, {}).ids, [...ORDER]);
  },
  'engines that cannot play the stream are left out with a reason'() {
    const { ids, refused } = candidates([engine('flv', 'VP9'), engine('hls')], {});
    equal(ids, ['hls']);
    equal(refused, { flv: 'VP9' });
  },
  'the choice of the viewer goes first, the others follow in order'() {
    equal(candidates(ALL, {}, 'hls').ids, ['hls', 'whep', 'flv', 'native']);
  },
  'a choice that cannot play here is passed over'() {
    equal(candidates([engine('flv', 'mse'), engine('hls')], {}, 'flv').ids, ['hls']);
  },
  'an engine of somebody else comes last'() {
    equal(candidates([engine('moq'), engine('flv')], {}).ids, ['flv', 'moq']);
  },
  'one failure is tried again, two in a row lead to the next'() {
    const fallback = new Fallback(['flv', 'hls']);
    equal(fallback.failed(0), 'retry');
    equal(fallback.current, 'flv');
    equal(fallback.failed(1), 'next');
    equal(fallback.current, 'hls');
  },
  'good play between failures counts'() {
    const fallback = new Fallback(['flv', 'hls']);
    fallback.failed(0);
    fallback.playing(1);
    equal(fallback.failed(30), 'retry');
    fallback.playing(31);
    equal(fallback.failed(32), 'next', 'one second of play is not good play');
  },
  'after the last comes the first again'() {
    const fallback = new Fallback(['flv', 'hls']);
    for (let time = 0; time < 4; time += 1) fallback.failed(time);
    equal(fallback.current, 'flv');
  },
  'a single engine is tried for ever'() {
    const fallback = new Fallback(['hls']);
    for (let time = 0; time < 20; time += 1) equal(fallback.failed(time), 'retry');
  },
  'an engine that turns out not to support the stream is gone'() {
    const fallback = new Fallback(['flv', 'hls']);
    equal(fallback.failed(0, { unsupported: true }), 'next');
    equal(fallback.ids, ['hls']);
    equal(fallback.failed(1, { unsupported: true }), 'none');
    equal(fallback.current, null);
  },
  'many stalls in a minute lead to a sturdier engine'() {
    const fallback = new Fallback(['flv', 'hls']);
    const answers = [0, 10, 20, 30, 40].map((time) => fallback.stalled(time));
    equal(answers, [false, false, false, false, true]);
    equal(fallback.current, 'hls');
  },
  'stalls far apart do not'() {
    const fallback = new Fallback(['flv', 'hls']);
    for (let time = 0; time < 1000; time += 20) ok(!fallback.stalled(time));
  },
  'the last engine and a chosen one are kept in spite of stalls'() {
    const last = new Fallback(['hls']);
    const chosen = new Fallback(['hls', 'flv'], { sturdier: false });
    for (let time = 0; time < 20; time += 1) ok(!last.stalled(time) && !chosen.stalled(time));
  },
  'nothing to choose from'() {
    equal(new Fallback([]).current, null);
  },
};
