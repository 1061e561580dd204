/** What this browser can play, asked of Media Source Extensions, and what codecs are called. */

const NAMES = {
  h264: 'H.264',
  hevc: 'HEVC',
  av1: 'AV1',
  vp8: 'VP8',
  vp9: 'VP9',
  aac: 'AAC',
  opus: 'Opus',
  flac: 'FLAC',
  mp3: 'MP3',
  ac3: 'AC-3',
  eac3: 'E-AC-3',
};

export function codecName(codec) {
  return NAMES[codec] ?? String(codec ?? '').toUpperCase();
}

/** The MediaSource class of this browser: W3C's, Apple's managed one, or `null`. */
export function mediaSourceClass() {
  return globalThis.MediaSource ?? globalThis.ManagedMediaSource ?? null;
}

/** First track of a kind, or `null`. */
export function trackOf(stream, kind) {
  return stream?.tracks?.find((track) => track.kind === kind) ?? null;
}

/** What identifies a stream's make-up: when it changes, engines that cannot follow start again. */
export function trackSignature(stream) {
  return (stream?.tracks ?? [])
    .map((track) => `${track.kind}:${track.codec}`)
    .sort()
    .join(' ');
}

/**
 * The first of the stream's codecs that Media Source Extensions cannot play here, as a name, or
 * `null` when all is well. A track without a codec string is taken on trust.
 */
export function unplayable(stream, isTypeSupported = defaultSupport()) {
  if (isTypeSupported === null) return 'mse';
  const tracks = [trackOf(stream, 'video'), trackOf(stream, 'audio')];
  const bad = tracks.find(
    (track) =>
      track?.codec_string &&
      !isTypeSupported(`${track.kind}/mp4; codecs="${track.codec_string}"`),
  );
  return bad ? codecName(bad.codec) : null;
}

function defaultSupport() {
  const source = mediaSourceClass();
  return source ? (type) => source.isTypeSupported(type) : null;
}

/** What an encoder calls itself, in the words people use: `OBS 29.0.2`, `FFmpeg`. */
export function softwareName(software) {
  const text = software ?? '';
  const obs = /libobs version ([\d.]+)/.exec(text);
  if (obs) return `OBS ${obs[1]}`;
  const lavf = /^Lavf([\d.]+)/.exec(text);
  if (lavf) return `FFmpeg (Lavf ${lavf[1]})`;
  return /^FMLE\/[\d.]+ \(compatible; (.+)\)$/.exec(text)?.[1] ?? text;
}
