import { CatchUp, HoldBack, MAX_RATE } from '/assets/js/player/catchup.js';
import { equal, near, ok } from './assert.js';

const at = (distance, { target = 0.5, buffer = distance } = {}) => ({ distance, target, buffer });

export const tests = {
  'at the target nothing is changed'() {
    equal(new CatchUp().decide(at(0.5)), { rate: 1, jump: false });
  },
  'a small drift is left alone, so that the rate does not flutter'() {
    equal(new CatchUp().decide(at(0.65)).rate, 1);
  },
  'a drift is worked off until almost nothing is left of it'() {
    const catchUp = new CatchUp();
    ok(catchUp.decide(at(1)).rate > 1);
    ok(catchUp.decide(at(0.6)).rate > 1, 'still above the stop drift');
    equal(catchUp.decide(at(0.52)).rate, 1);
    equal(catchUp.decide(at(0.65)).rate, 1, 'stays off below the start drift');
  },
  'more drift is worked off faster, never above the limit'() {
    const rates = [0.8, 1.2, 2, 2.9, 3.4].map((distance) => new CatchUp().decide(at(distance)).rate);
    equal(rates, [...rates].sort((a, b) => a - b));
    equal(Math.max(...rates), MAX_RATE);
    ok(MAX_RATE <= 1.1);
  },
  'a large drift is skipped'() {
    equal(new CatchUp({ jumpBeyond: 3 }).decide(at(4)), { rate: 1, jump: true });
  },
  'a thin buffer is not played empty'() {
    equal(new CatchUp({ minBuffer: 0.5 }).decide(at(2, { buffer: 0.3 })).rate, 1);
  },
  'a buffer far below the target is filled by playing slower'() {
    const catchUp = new CatchUp();
    ok(catchUp.decide(at(0.2)).rate < 1);
    ok(catchUp.decide(at(0.4)).rate < 1, 'goes on until it is nearly full');
    equal(catchUp.decide(at(0.45)).rate, 1);
  },
  'without rates only jumps are left'() {
    const catchUp = new CatchUp({ rates: false, jumpBeyond: 5 });
    equal(catchUp.decide(at(4)), { rate: 1, jump: false });
    equal(catchUp.decide(at(6)), { rate: 1, jump: true });
  },
  'an engine that cannot measure is left alone'() {
    equal(new CatchUp().decide({ distance: null, target: 1, buffer: 9 }), { rate: 1, jump: false });
  },
  'simulated: two seconds behind is at the target within 40 s, and stays there'() {
    const catchUp = new CatchUp();
    let distance = 2.5;
    let time = 0;
    for (; time < 40 && distance > 0.6; time += 0.25) {
      distance -= (catchUp.decide(at(distance)).rate - 1) * 0.25;
    }
    ok(time < 40, `took ${time} s`);
    for (let more = 0; more < 400; more += 1) distance -= (catchUp.decide(at(distance)).rate - 1) * 0.25;
    near(distance, 0.5, 0.21);
  },
  'stalls raise what is held back, quiet lowers it again'() {
    const hold = new HoldBack({ base: 0.5, max: 2, step: 0.5, calm: 60 });
    equal(hold.seconds(0), 0.5);
    hold.stalled(10);
    hold.stalled(12);
    equal(hold.seconds(13), 1.5);
    for (let more = 0; more < 9; more += 1) hold.stalled(14);
    equal(hold.seconds(15), 2, 'has a limit');
    equal(hold.seconds(14 + 60), 1.5);
    equal(hold.seconds(14 + 1000), 0.5);
  },
};
