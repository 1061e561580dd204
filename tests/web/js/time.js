import { Backoff } from '/assets/js/lib/backoff.js';
import { ServerClock } from '/assets/js/lib/clock.js';
import { WallTimes } from '/assets/js/player/walltime.js';
import { equal, near, ok } from './assert.js';

export const tests = {
  'before any sample the server clock is ours'() {
    const clock = new ServerClock();
    ok(!clock.synced);
    equal(clock.now(1000), 1000);
  },
  'the sample that was delayed least decides'() {
    const clock = new ServerClock();
    const offset = 90_000; // this machine is 90 s slow
    for (const [client, delay] of [[0, 300], [2000, 40], [4000, 500]]) {
      clock.sample(client + offset, client + delay);
    }
    near(clock.offset, offset - 40, 1e-6);
  },
  'half of the shortest round trip makes up for the way'() {
    const clock = new ServerClock();
    clock.sample(5000, 40);
    clock.measured(200);
    clock.measured(80);
    clock.measured(120);
    near(clock.offset, 5000, 1e-6);
    equal(clock.roundTrip, 80);
  },
  'RFC 3339 times are understood, nonsense is not'() {
    const clock = new ServerClock();
    clock.sample('yesterday', 0);
    ok(!clock.synced);
    clock.sample('2026-11-22T10:00:00.500Z', 0);
    equal(clock.now(0), Date.UTC(2026, 10, 22, 10, 0, 0, 500));
  },
  'a clock that drifts is followed'() {
    const clock = new ServerClock();
    clock.sample(1000, 0);
    for (let step = 0; step < 100; step += 1) clock.sample(500, 0);
    equal(clock.offset, 500);
  },
  'wall time follows media time between and beyond the pairs'() {
    const times = new WallTimes();
    equal(times.at(1), null);
    times.add(0, 10_000);
    times.add(2, 12_100); // the network was 100 ms late
    equal(times.at(1.5), 11_500);
    equal(times.at(2.5), 12_600);
    equal(times.at(-1), 9000);
  },
  'a timeline that starts over forgets what came after'() {
    const times = new WallTimes();
    times.add(0, 1000);
    times.add(10, 11_000);
    times.add(5, 50_000);
    equal(times.at(10), 55_000);
  },
  'only so many pairs are kept'() {
    const times = new WallTimes();
    for (let second = 0; second < 1000; second += 1) times.add(second, second * 1000 + 7);
    equal(times.at(999.5), 999_507);
    times.add(Number.NaN, 5);
    equal(times.at(999.5), 999_507);
  },
  'pauses grow, stay below the limit, and vary'() {
    const still = new Backoff({ base: 100, max: 1000, factor: 2, jitter: 0 });
    equal([1, 2, 3, 4, 5, 6].map(() => still.next()), [100, 200, 400, 800, 1000, 1000]);
    equal(still.attempts, 6);
    still.reset();
    equal(still.next(), 100);
    const low = new Backoff({ base: 100, jitter: 0.5, random: () => 0.999 });
    near(low.next(), 50, 1);
  },
};
