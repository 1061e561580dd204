/** Numbers and times as people read them. All functions are pure; `locale` is a BCP 47 tag. */

const DASH = '–';

const known = (value) => typeof value === 'number' && Number.isFinite(value);

const decimal = (value, digits, locale) =>
  new Intl.NumberFormat(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);

/** Bits per second: `6.0 Mbit/s`, `840 kbit/s`. */
export function formatBitrate(bits, locale) {
  if (!known(bits) || bits < 0) return DASH;
  if (bits >= 999_500) return `${decimal(bits / 1e6, bits < 99.5e6 ? 1 : 0, locale)} Mbit/s`;
  return `${decimal(bits / 1e3, 0, locale)} kbit/s`;
}

/** Seconds: `42 ms`, `0.84 s`, `2.4 s`, `12 s`. */
export function formatSeconds(seconds, locale) {
  if (!known(seconds)) return DASH;
  const size = Math.abs(seconds);
  if (size < 0.0995) return `${decimal(seconds * 1000 || 0, 0, locale)} ms`;
  return `${decimal(seconds, size < 0.995 ? 2 : size < 9.95 ? 1 : 0, locale)} s`;
}

/** The live badge's shorter form: always one decimal below ten seconds. */
export function formatLatency(seconds, locale) {
  if (!known(seconds)) return '';
  if (seconds < 0.05) return `< ${decimal(0.1, 1, locale)} s`;
  return `${decimal(Math.max(0, seconds), seconds < 9.95 ? 1 : 0, locale)} s`;
}

/** A running time in milliseconds: `4:07`, `1:02:33`, `2 d 3:04:05` written as hours. */
export function formatUptime(milliseconds) {
  if (!known(milliseconds)) return DASH;
  const total = Math.max(0, Math.floor(milliseconds / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const pad = (value) => String(value).padStart(2, '0');
  const tail = `${pad(total % 60)}`;
  return hours > 0 ? `${hours}:${pad(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** How many: `7`, `1,204`, `12.3K`. */
export function formatCount(count, locale) {
  if (!known(count)) return DASH;
  const compact = count >= 10_000;
  return new Intl.NumberFormat(locale, {
    notation: compact ? 'compact' : 'standard',
    maximumFractionDigits: compact ? 1 : 0,
  }).format(count);
}

/** A plain number with up to `digits` decimals. */
export function formatNumber(value, locale, digits = 0) {
  if (!known(value)) return DASH;
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
}

/** A part of one: `0.4 %`. */
export function formatShare(part, whole, locale) {
  if (!known(part) || !known(whole) || whole <= 0) return DASH;
  const share = part / whole;
  return new Intl.NumberFormat(locale, {
    style: 'percent',
    maximumFractionDigits: share > 0 && share < 0.1 ? 2 : 0,
  }).format(share);
}

/** `1080p60`, `720p`, or an empty string when the size is not known. */
export function qualityLabel(width, height, fps) {
  if (!known(height) || height <= 0) return '';
  const lines = known(width) && width > 0 ? Math.min(width, height) : height;
  const rate = known(fps) && Math.round(fps) > 30 ? Math.round(fps) : '';
  return `${lines}p${rate}`;
}

/** `14:03:27` in the viewer's own time zone, always 24 hours. */
export function formatClock(epochMilliseconds) {
  const date = new Date(epochMilliseconds);
  const pad = (value) => String(value).padStart(2, '0');
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}
