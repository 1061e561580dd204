import { Progress } from '/assets/js/player/progress.js';
import { equal } from './assert.js';

function run(seconds, see) {
  const progress = new Progress();
  let last = null;
  for (let now = 0; now <= seconds; now += 0.25) last = progress.observe(now, see(now));
  return last;
}

export const tests = {
  'time and frames that advance are moving'() {
    equal(run(60, (now) => ({ time: now, frames: Math.floor(now * 30), dry: false })), 'moving');
  },
  'a time that stands still is stuck, sooner without data'() {
    const still = (dry) => () => ({ time: 5, frames: 100, dry });
    equal(run(2, still(false)), 'moving');
    equal(run(3.5, still(false)), 'stuck');
    equal(run(1.5, still(true)), 'stuck');
  },
  'sound over a picture that does not move is frozen'() {
    const silentPicture = (now) => ({ time: now, frames: 100, dry: false });
    equal(run(2, silentPicture), 'moving');
    equal(run(3, silentPicture), 'frozen');
  },
  'sound alone is fine'() {
    equal(run(60, (now) => ({ time: now, frames: null, dry: false })), 'moving');
  },
  'one frame every two seconds is slow, not frozen'() {
    equal(run(60, (now) => ({ time: now, frames: Math.floor(now / 2), dry: false })), 'moving');
  },
  'a reset begins anew'() {
    const progress = new Progress();
    const seen = { time: 1, frames: 1, dry: true };
    progress.observe(0, seen);
    progress.reset();
    equal(progress.observe(100, seen), 'moving');
  },
};
