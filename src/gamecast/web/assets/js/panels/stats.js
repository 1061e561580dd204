/** The statistics panel: six small charts and a table of everything else. */
import { h, setText, show } from '../lib/dom.js';
import {
  formatBitrate,
  formatCount,
  formatNumber,
  formatSeconds,
  formatShare,
} from '../lib/format.js';
import { i18n, localize, t } from '../i18n.js';
import { codecName, softwareName, trackOf } from '../player/codecs.js';
import { LineChart } from './charts.js';

/** The charts: the value's name in `stats()`, its text, and the least span worth drawing. */
const CHARTS = [
  { id: 'latency', floor: 0.4, format: (value, locale) => formatSeconds(value, locale) },
  { id: 'bitrate', floor: 1e6, format: (value, locale) => formatBitrate(value, locale) },
  { id: 'fps', floor: 10, format: (value, locale) => formatNumber(value, locale, value < 10 ? 1 : 0) },
  { id: 'buffer', floor: 0.5, format: (value, locale) => formatSeconds(value, locale) },
  { id: 'dropped', floor: 4, format: (value, locale) => formatNumber(value, locale) },
  { id: 'viewers', floor: 4, format: (value, locale) => formatCount(value, locale) },
];

const PLAYER_ROWS = ['protocol', 'resolution', 'codecs', 'frames', 'rate', 'target', 'clock', 'live'];
const WEBRTC_ROWS = ['rtt', 'path', 'jitter', 'lost', 'repeats', 'freezes', 'decoder'];
const SOURCE_ROWS = ['publisher', 'picture', 'source-bitrate', 'keyframes', 'b-frames', 'audio', 'split'];

export class StatsPanel {
  #player;
  #charts = new Map();
  #rows = new Map();
  #connection = () => null;
  #last = null;

  /**
   * @param {object} parts `{player, connection}`; `connection()` tells the state of the live events
   */
  constructor({ player, connection }) {
    this.#player = player;
    this.#connection = connection;
    this.element = this.#build();
    player.on('sample', (stats) => this.#sample(stats));
    player.on('engine', () => this.#clear());
    player.on('stream', () => this.#renderRows());
    i18n.on('change', () => this.#render());
  }

  #build() {
    const element = h(
      'div.stats',
      {},
      h('div.chart-grid', {}, ...CHARTS.map((chart) => this.#chart(chart))),
      h('h3', { 'data-i18n': 'stats.player' }),
      this.#table(PLAYER_ROWS),
      this.#webrtc(),
      h('h3', { 'data-i18n': 'stats.source' }),
      this.#table(SOURCE_ROWS),
    );
    this.warnings = h('ul.warnings', { hidden: true });
    element.append(this.warnings);
    localize(element);
    return element;
  }

  #chart({ id, floor }) {
    const chart = new LineChart({ floor });
    const value = h('output');
    this.#charts.set(id, { chart, value });
    const head = h('div.chart-head', {}, h('span', { 'data-i18n': `stats.${id}` }), value);
    return h(`figure.chart-card.chart-${id}`, {}, head, chart.canvas);
  }

  #table(rows) {
    const list = h('dl.rows');
    for (const id of rows) {
      const value = h('dd');
      this.#rows.set(id, value);
      list.append(h('div', {}, h('dt', { 'data-i18n': `stats.${id}` }), value));
    }
    return list;
  }

  #webrtc() {
    const title = h('h3', { 'data-i18n': 'stats.webrtc' });
    this.webrtc = h('div', { hidden: true }, title, this.#table(WEBRTC_ROWS));
    return this.webrtc;
  }

  #clear() {
    for (const id of ['latency', 'bitrate', 'fps', 'buffer']) this.#charts.get(id).chart.push(null);
  }

  #sample(stats) {
    this.#last = { ...stats, dropped: stats.framesDropped };
    const moving = stats.state === 'playing' || stats.state === 'buffering';
    for (const { id } of CHARTS) {
      const shown = moving || id === 'viewers' ? this.#last[id] : null;
      this.#charts.get(id).chart.push(shown);
    }
    if (this.element.offsetParent !== null) this.#render();
  }

  #render() {
    if (this.#last === null) return;
    for (const { id, format } of CHARTS) {
      const { chart, value } = this.#charts.get(id);
      const text = format(this.#last[id], i18n.locale);
      setText(value, text);
      chart.canvas.setAttribute('aria-label', `${t(`stats.${id}`)}: ${text}`);
    }
    this.#renderRows();
  }

  #renderRows() {
    const details = this.#last?.details ?? null;
    show(this.webrtc, details !== null);
    const values = {
      ...this.#playerRows(this.#last ?? {}),
      ...(details && webrtcRows(details, i18n.locale)),
      ...this.#sourceRows(this.#player.stream),
    };
    for (const [id, element] of this.#rows) setText(element, values[id] ?? '–');
    const warnings = this.#player.stream?.health?.warnings ?? [];
    show(this.warnings, warnings.length > 0);
    this.warnings.replaceChildren(...warnings.map((code) => h('li', {}, warningText(code))));
  }

  #playerRows(stats) {
    const { locale } = i18n;
    const size = stats.width ? `${stats.width} × ${stats.height}` : null;
    const { framesDecoded: decoded, framesDropped: dropped } = stats;
    const share = dropped > 0 ? ` (${formatShare(dropped, decoded, locale)})` : '';
    return {
      protocol: stats.protocol,
      resolution: size,
      codecs: [stats.video, stats.audio].filter(Boolean).join(', ') || null,
      frames:
        decoded === null || decoded === undefined
          ? null
          : `${formatNumber(dropped, locale)} / ${formatNumber(decoded, locale)}${share}`,
      rate: stats.rate ? `${formatNumber(stats.rate, locale, 2)}×` : null,
      target: formatSeconds(stats.target, locale),
      clock: clockText(stats, locale),
      live: t(`connection.${this.#connection() ?? 'waiting'}`),
    };
  }

  #sourceRows(stream) {
    const { locale } = i18n;
    const video = trackOf(stream, 'video');
    const audio = trackOf(stream, 'audio');
    const { health = {}, publisher = {}, viewers = {} } = stream ?? {};
    const split = Object.entries(viewers).filter(([key, count]) => key !== 'total' && count > 0);
    return {
      publisher: [softwareName(publisher.software), publisher.protocol?.toUpperCase()].filter(Boolean).join(' · ') || null,
      picture: video && videoText(video, health, locale),
      'source-bitrate': formatBitrate(health.bitrate, locale),
      keyframes: formatSeconds(health.keyframe_interval || null, locale),
      'b-frames': typeof health.b_frames === 'boolean' ? t(health.b_frames ? 'yes' : 'no') : null,
      audio: audio && audioText(audio, locale),
      split: split.map(([key, count]) => `${key} ${formatCount(count, locale)}`).join(' · ') || null,
    };
  }
}

function webrtcRows(details, locale) {
  const { rtt, path, jitter, received, lost, nack, pli, freezes, frozen, decoder } = details;
  const ms = (value) => (Number.isFinite(value) ? `${formatNumber(value * 1000, locale, 1)} ms` : null);
  const count = (value) => formatNumber(value ?? 0, locale);
  const share = lost > 0 ? ` (${formatShare(lost, received + lost, locale)})` : '';
  const spent = ms(details.decodeTime);
  return {
    rtt: ms(rtt),
    path: path?.toUpperCase(),
    jitter: ms(jitter),
    lost: received > 0 ? `${count(lost)}${share}` : null,
    repeats: nack === undefined ? null : `${count(nack)} / ${count(pli)}`,
    freezes: freezes === undefined ? null : `${count(freezes)} · ${formatSeconds(frozen ?? 0, locale)}`,
    decoder: [decoder === 'unknown' ? null : decoder, spent].filter(Boolean).join(' · ') || null,
  };
}

function clockText({ clockOffset, roundTrip }, locale) {
  if (clockOffset === undefined) return null;
  const trip = Number.isFinite(roundTrip) ? ` · RTT ${formatNumber(roundTrip * 1000, locale)} ms` : '';
  const offset = Math.round(clockOffset * 1000) || 0; // never -0
  return `${offset > 0 ? '+' : ''}${formatNumber(offset, locale)} ms${trip}`;
}

function videoText(track, health, locale) {
  const rate = health.fps ?? track.fps;
  const fps = rate ? ` · ${formatNumber(rate, locale, 2)} fps` : '';
  const size = track.width ? `${track.width} × ${track.height} · ` : '';
  return `${size}${codecName(track.codec)}${fps}`;
}

function audioText(track, locale) {
  const rate = track.sample_rate ? ` · ${formatNumber(track.sample_rate / 1000, locale, 1)} kHz` : '';
  const channels = track.channels ? ` · ${t('stats.channels', { count: track.channels })}` : '';
  return `${codecName(track.codec)}${rate}${channels}`;
}

/** A warning of the server: a code we have words for, or its own words. */
function warningText(warning) {
  const code = typeof warning === 'string' ? warning : (warning?.code ?? '');
  const text = t(`warning.${code}`);
  return text === `warning.${code}` ? (warning?.message ?? code) : text;
}
