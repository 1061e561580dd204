import { iceServers, withStereo } from '/assets/js/lib/webrtc.js';
import { WhepStats } from '/assets/js/player/engines/whep-stats.js';
import { Fallback } from '/assets/js/player/selection.js';
import { PublishStats } from '/assets/js/studio/stats.js';
import { equal } from './assert.js';

const NTP = 2_208_988_800_000;

const inbound = (changes) => ({
  id: 'v',
  type: 'inbound-rtp',
  kind: 'video',
  timestamp: 1000,
  bytesReceived: 500,
  packetsReceived: 90,
  packetsLost: 10,
  jitterBufferDelay: 2,
  jitterBufferEmittedCount: 100,
  framesDecoded: 100,
  totalDecodeTime: 0.5,
  ...changes,
});

export const tests = {
  'servers of a Link header'() {
    const header =
      '<stun:a.example>; rel="ice-server", <turn:b.example?transport=udp>; rel="ice-server"; ' +
      'username="u"; credential="c, d"; credential-type="password", </x>; rel="next"';
    equal(JSON.stringify(iceServers(header)), JSON.stringify([
      { urls: 'stun:a.example' },
      { urls: 'turn:b.example?transport=udp', username: 'u', credential: 'c, d' },
    ]));
    equal(iceServers(null).length, 0);
  },
  'stereo is asked for once, on the line of Opus'() {
    const sdp = 'a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\na=fmtp:63 111/111\r\n';
    equal(withStereo(sdp).includes('a=fmtp:111 minptime=10;stereo=1;sprop-stereo=1\r\n'), true);
    equal(withStereo(sdp).split('stereo=1').length, 3);
    equal(withStereo('v=0\r\n'), 'v=0\r\n');
  },
  'averages are of the time since the last look'() {
    const stats = new WhepStats();
    stats.read([inbound()]);
    equal(stats.details.jitterBuffer, 0.02);
    stats.read([inbound({ jitterBufferDelay: 2.5, jitterBufferEmittedCount: 110 })]);
    equal(stats.details.jitterBuffer, 0.05);
    stats.read([inbound({ jitterBufferDelay: 2.5, jitterBufferEmittedCount: 110 })]);
    equal(stats.details.jitterBuffer, 0.05, 'nothing new: what was known');
  },
  'the path is that of the selected pair, and bytes are of both lines'() {
    const stats = new WhepStats();
    stats.read([
      inbound(),
      { ...inbound({ id: 'a', kind: 'audio', bytesReceived: 70, packetsLost: -1 }) },
      { id: 't', type: 'transport', selectedCandidatePairId: 'p2' },
      { id: 'p1', type: 'candidate-pair', nominated: true, currentRoundTripTime: 9 },
      { id: 'p2', type: 'candidate-pair', currentRoundTripTime: 0.01, localCandidateId: 'l' },
      { id: 'l', type: 'local-candidate', protocol: 'udp' },
    ]);
    equal(stats.bytes, 570);
    equal(stats.details.rtt, 0.01);
    equal(stats.details.path, 'udp');
    equal(stats.details.lost, 9);
  },
  'the time of the picture is in epoch milliseconds'() {
    const stats = new WhepStats();
    equal(stats.playout, null);
    stats.read([inbound({ estimatedPlayoutTimestamp: NTP + 5000 })]);
    equal(JSON.stringify(stats.playout), JSON.stringify({ shown: 5000, at: 1000 }));
    stats.read([inbound({ estimatedPlayoutTimestamp: 5000 })]);
    equal(stats.playout.shown, 5000, 'Firefox counts from 1970');
  },
  'pictures are counted where the video element does not'() {
    const stats = new WhepStats();
    equal(stats.frames, null);
    stats.read([inbound({ framesDecoded: 7 })]);
    equal(stats.frames, 7);
    stats.read([inbound({ kind: 'audio' })]);
    equal(stats.frames, null, 'there is no picture');
  },
  'an unreachable engine is left at once, and taken again when it works'() {
    const fallback = new Fallback(['whep', 'flv']);
    equal(fallback.better, null);
    equal(fallback.failed(1, { unreachable: true }), 'next');
    equal(fallback.current, 'flv');
    equal(fallback.better, 'whep');
    fallback.ascend();
    equal(fallback.current, 'whep');
    equal(new Fallback(['whep']).failed(1, { unreachable: true }), 'retry');
  },
  'what a publisher sent is worked out over the last second'() {
    const stats = new PublishStats();
    const out = (at, bytes, more) => [
      { id: 'o', type: 'outbound-rtp', kind: 'video', timestamp: at * 1000, bytesSent: bytes, ...more },
      { type: 'remote-inbound-rtp', localId: 'o', fractionLost: 0.25, packetsLost: 4, roundTripTime: 0.03 },
    ];
    stats.read(out(10, 1000, { framesEncoded: 10, totalEncodeTime: 0.1 }));
    const found = stats.read(out(12, 251_000, { framesEncoded: 60, totalEncodeTime: 0.6 }));
    equal(found.bitrate, 1_000_000);
    equal(found.fps, 25);
    equal(found.encodeTime, 0.01);
    equal(found.loss, 0.25);
    equal(found.rtt, 0.03);
  },
};
