import { Shortage } from '/assets/js/player/engines/shortage.js';
import { equal } from './assert.js';

/** Counters grow by these each second; returns what was said at the end. */
function watched(shortage, seconds, { came, lost, repaired }, from = {}) {
  const { packetsReceived = 0, packetsLost = 0, retransmittedPacketsReceived = 0 } = from;
  let said = null;
  for (let second = 1; second <= seconds; second++) {
    said = shortage.read({
      packetsReceived: packetsReceived + second * came,
      packetsLost: packetsLost + second * lost,
      retransmittedPacketsReceived: retransmittedPacketsReceived + second * repaired,
    });
  }
  return said;
}

export const tests = {
  'a network without loss is enough'() {
    equal(watched(new Shortage(), 60, { came: 300, lost: 0, repaired: 0 }), false);
  },
  'loss that is repaired is no shortage'() {
    equal(watched(new Shortage(), 60, { came: 300, lost: 30, repaired: 30 }), false);
    equal(watched(new Shortage(), 60, { came: 300, lost: 30, repaired: 55 }), false);
  },
  'what never comes is one, until it does'() {
    const shortage = new Shortage();
    equal(watched(shortage, 6, { came: 100, lost: 200, repaired: 10 }), true);
    const before = { packetsReceived: 600, packetsLost: 1200, retransmittedPacketsReceived: 60 };
    equal(watched(shortage, 2, { came: 300, lost: 0, repaired: 0 }, before), true);
    const then = { ...before, packetsReceived: 1200 };
    equal(watched(shortage, 6, { came: 300, lost: 0, repaired: 0 }, then), false);
  },
  'another connection begins anew'() {
    const shortage = new Shortage();
    watched(shortage, 6, { came: 300, lost: 0, repaired: 0 });
    equal(watched(shortage, 1, { came: 10, lost: 500, repaired: 0 }), false);
  },
  'a browser that does not count repairs says nothing'() {
    equal(new Shortage().read({ packetsReceived: 1, packetsLost: 500 }), false);
  },
};
