/**
 * What WebRTC measures, in the words of the statistics panel. Pure: reports in, numbers out.
 *
 * Counters of getStats run from the start of the connection; what is an average there (time in the
 * jitter buffer, decoding) is taken here over the time since the last look.
 */
import { Shortage } from './shortage.js';

/** NTP counts from 1900, JavaScript from 1970 (ms). */
const NTP_EPOCH = 2_208_988_800_000;

/** @typedef {Iterable<object>} Reports the values of an RTCStatsReport */

export class WhepStats {
  #before = {};
  #shortage = new Shortage();

  /** Numbers of the last `read`: seconds, packets, frames; what is not known is missing. */
  details = {};

  /** Pictures decoded so far; `null` where there is no picture. */
  frames = null;

  /** Media bytes received so far. */
  bytes = 0;

  /** @param {Reports} reports */
  read(reports) {
    const all = [...reports];
    const byId = new Map(all.map((report) => [report.id, report]));
    const inbound = (kind) => all.find((each) => each.type === 'inbound-rtp' && each.kind === kind);
    const video = inbound('video');
    const audio = inbound('audio');
    this.bytes = (video?.bytesReceived ?? 0) + (audio?.bytesReceived ?? 0);
    this.frames = video?.framesDecoded ?? null;
    this.details = {
      ...this.#path(all, byId),
      ...this.#arrival([video, audio].filter(Boolean)),
      ...this.#timing(video ?? audio ?? {}),
      ...(video ? this.#picture(video) : {}),
      short: video ? this.#shortage.read(video) : false,
    };
    this.#before = { ...(video ?? audio) };
  }

  /** Server time (epoch ms) of what was played at client time `at` (epoch ms), or `null`. */
  get playout() {
    const { estimatedPlayoutTimestamp: shown, timestamp: at } = this.#before;
    if (!shown) return null;
    // Firefox counts from 1970, against the specification.
    return { shown: shown > NTP_EPOCH ? shown - NTP_EPOCH : shown, at };
  }

  /** Seconds that a picture needs at least: half a round trip, the jitter buffer, the decoder. */
  get least() {
    const { rtt = 0, jitterBuffer = 0, decodeTime = 0 } = this.details;
    return rtt / 2 + jitterBuffer + decodeTime;
  }

  #path(all, byId) {
    const transport = all.find(({ type }) => type === 'transport');
    const pair =
      byId.get(transport?.selectedCandidatePairId) ??
      all.find(({ type, nominated }) => type === 'candidate-pair' && nominated);
    const local = byId.get(pair?.localCandidateId);
    return { rtt: pair?.currentRoundTripTime, path: local?.relayProtocol ?? local?.protocol };
  }

  #arrival(lines) {
    const sum = (name) => lines.reduce((total, line) => total + (line[name] ?? 0), 0);
    return { received: sum('packetsReceived'), lost: Math.max(0, sum('packetsLost')) };
  }

  #timing(line) {
    const emitted = line.jitterBufferEmittedCount - (this.#before.jitterBufferEmittedCount ?? 0);
    const held = line.jitterBufferDelay - (this.#before.jitterBufferDelay ?? 0);
    return {
      jitter: line.jitter,
      jitterBuffer: emitted > 0 ? held / emitted : this.details.jitterBuffer,
    };
  }

  #picture(video) {
    const decoded = video.framesDecoded - (this.#before.framesDecoded ?? 0);
    const spent = video.totalDecodeTime - (this.#before.totalDecodeTime ?? 0);
    return {
      nack: video.nackCount,
      pli: video.pliCount,
      freezes: video.freezeCount,
      frozen: video.totalFreezesDuration,
      decoder: video.decoderImplementation,
      decodeTime: decoded > 0 ? spent / decoded : this.details.decodeTime,
    };
  }
}
