import { STATES, StateMachine, nextState } from '/assets/js/player/state.js';
import { equal, ok } from './assert.js';

const EVENTS = ['start', 'playing', 'waiting', 'pause', 'resume', 'blocked', 'lost', 'absent', 'fatal'];

function walk(...events) {
  const seen = [];
  const machine = new StateMachine((state, previous, reason) => seen.push([state, previous, reason]));
  for (const event of events) machine.send(...[event].flat());
  return { machine, seen };
}

export const tests = {
  'a stream is found, plays, stalls and plays on'() {
    const { seen } = walk('start', 'playing', 'waiting', 'playing');
    equal(seen.map(([state]) => state), ['connecting', 'playing', 'buffering', 'playing']);
  },
  'an off-air channel waits and then starts'() {
    equal(walk('absent', 'start', 'playing').machine.state, 'playing');
  },
  'nothing moves an off-air player but a start'() {
    for (const event of EVENTS.filter((name) => name !== 'start')) {
      equal(nextState('offline', event), null, event);
    }
  },
  'a lost connection stays "reconnecting" until the picture moves'() {
    const { machine } = walk('start', 'playing', ['lost', 'network'], 'start', ['lost', 'media']);
    equal(machine.state, 'reconnecting');
    equal(machine.reason, 'media');
    machine.send('playing');
    equal([machine.state, machine.reason], ['playing', null]);
  },
  'a viewer who paused is not disturbed by failures'() {
    const { machine } = walk('start', 'playing', 'pause', 'lost', 'waiting', 'blocked');
    equal(machine.state, 'paused');
  },
  'a refused autoplay waits for a gesture'() {
    const { machine } = walk('start', 'blocked', 'lost', 'waiting');
    equal(machine.state, 'blocked');
    machine.send('resume');
    equal(machine.state, 'connecting');
  },
  'an error ends only with a new start or the end of the stream'() {
    equal(walk('start', 'fatal', 'playing').machine.state, 'error');
    equal(walk('start', 'fatal', 'start').machine.state, 'connecting');
    equal(walk('start', 'fatal', 'absent').machine.state, 'offline');
  },
  'the end of the stream reaches every state'() {
    for (const state of STATES.filter((name) => name !== 'offline')) {
      equal(nextState(state, 'absent'), 'offline', state);
    }
  },
  'a repeated event with the same reason is no change'() {
    const { machine, seen } = walk('start', ['lost', 'network']);
    ok(!machine.send('lost', 'network'));
    ok(machine.send('lost', 'publisher'));
    equal(seen.length, 3);
  },
  'every transition leads to a known state'() {
    for (const state of STATES) {
      for (const event of EVENTS) {
        const next = nextState(state, event);
        ok(next === null || STATES.includes(next), `${state} ${event} ${next}`);
      }
    }
  },
  'every state can be reached from the beginning'() {
    const found = new Set(['idle']);
    for (let round = 0; round < STATES.length; round += 1) {
      for (const state of [...found]) {
        for (const event of EVENTS) found.add(nextState(state, event) ?? state);
      }
    }
    equal([...found].sort(), [...STATES].sort());
  },
};
