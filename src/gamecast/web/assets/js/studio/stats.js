/** What WebRTC measures of a publisher: reports in, numbers of the last second out. Pure. */

export class PublishStats {
  #before = null;

  /**
   * @param {object[]} reports of RTCPeerConnection.getStats
   * @returns {object} base units: bits per second, seconds, parts of 1; missing where not known
   */
  read(reports) {
    const line = (kind) => reports.find((each) => each.type === 'outbound-rtp' && each.kind === kind);
    const video = line('video') ?? {};
    const bytes = (video.bytesSent ?? 0) + (line('audio')?.bytesSent ?? 0);
    const now = { bytes, video, at: (video.timestamp ?? line('audio')?.timestamp ?? 0) / 1000 };
    const before = this.#before ?? { ...now, at: now.at - 1, bytes: 0, video: {} };
    this.#before = now;
    const seconds = now.at - before.at;
    return {
      bitrate: seconds > 0 ? ((now.bytes - before.bytes) * 8) / seconds : undefined,
      fps: video.framesPerSecond ?? rate(video, before.video, seconds),
      width: video.frameWidth,
      height: video.frameHeight,
      limitation: video.qualityLimitationReason,
      encoder: video.encoderImplementation === 'unknown' ? undefined : video.encoderImplementation,
      encodeTime: encodeTime(video, before.video),
      codec: codecOf(reports, video),
      keyframesAsked: video.pliCount,
      repeats: video.retransmittedPacketsSent,
      ...fromServer(reports, video),
    };
  }
}

function rate(video, before, seconds) {
  if (video.framesEncoded === undefined || !(seconds > 0)) return undefined;
  return (video.framesEncoded - (before.framesEncoded ?? 0)) / seconds;
}

function encodeTime(video, before) {
  const frames = video.framesEncoded - (before.framesEncoded ?? 0);
  return frames > 0 ? (video.totalEncodeTime - (before.totalEncodeTime ?? 0)) / frames : undefined;
}

function codecOf(reports, { codecId }) {
  return reports.find(({ id }) => id === codecId)?.mimeType?.split('/')[1];
}

/** What the server reports of what it got, and what the path may carry. */
function fromServer(reports, video) {
  const remote = reports.find(({ type, localId }) => type === 'remote-inbound-rtp' && localId === video.id);
  const pair = reports.find(({ type, nominated }) => type === 'candidate-pair' && nominated);
  return {
    rtt: pair?.currentRoundTripTime ?? remote?.roundTripTime,
    loss: remote?.fractionLost,
    lost: remote?.packetsLost,
    available: pair?.availableOutgoingBitrate,
  };
}
