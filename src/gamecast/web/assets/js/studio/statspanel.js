/** What goes out, once a second: two charts and a table. */
import { h, setText } from '../lib/dom.js';
import { formatBitrate, formatNumber, formatShare } from '../lib/format.js';
import { i18n, localize, t } from '../i18n.js';
import { LineChart } from '../panels/charts.js';

const CHARTS = {
  bitrate: { floor: 1e6, format: formatBitrate },
  fps: { floor: 10, format: (value, locale) => formatNumber(value, locale) },
};
const ROWS = ['picture', 'encoder', 'limitation', 'rtt', 'loss', 'repeats', 'available'];

export class PublishPanel {
  #charts = new Map();
  #rows = new Map();
  #last = null;

  constructor() {
    const charts = Object.keys(CHARTS).map((id) => this.#chart(id));
    const rows = h('dl.rows', {}, ...ROWS.map((id) => this.#row(id)));
    this.element = h('section.studio-stats', { hidden: true }, h('div.chart-grid', {}, ...charts), rows);
    i18n.on('change', () => this.#render());
    localize(this.element);
  }

  /** @param {object} sample see stats.js */
  push(sample) {
    this.#last = sample;
    this.element.hidden = false;
    for (const [id, { chart }] of this.#charts) chart.push(sample[id] ?? null);
    this.#render();
  }

  #chart(id) {
    const chart = new LineChart({ floor: CHARTS[id].floor });
    const value = h('output');
    this.#charts.set(id, { chart, value });
    const head = h('div.chart-head', {}, h('span', { 'data-i18n': `stats.${id}` }), value);
    return h(`figure.chart-card.chart-${id}`, {}, head, chart.canvas);
  }

  #row(id) {
    const value = h('dd');
    this.#rows.set(id, value);
    return h('div', {}, h('dt', { 'data-i18n': `studio.stats-${id}` }), value);
  }

  #render() {
    const sample = this.#last;
    if (sample === null) return;
    for (const [id, { chart, value }] of this.#charts) {
      const text = CHARTS[id].format(sample[id], i18n.locale);
      setText(value, text);
      chart.canvas.setAttribute('aria-label', `${t(`stats.${id}`)}: ${text}`);
    }
    const values = rows(sample, i18n.locale);
    for (const [id, element] of this.#rows) setText(element, values[id] || '–');
  }
}

function rows(sample, locale) {
  const { width, height, codec, encoder, encodeTime, limitation, rtt, loss, lost } = sample;
  const ms = (value) => (Number.isFinite(value) ? `${formatNumber(value * 1000, locale, 1)} ms` : '');
  const join = (...parts) => parts.filter(Boolean).join(' · ');
  return {
    picture: join(width ? `${width} × ${height}` : '', codec),
    encoder: join(encoder, ms(encodeTime)),
    limitation: limitation && t(`studio.limited-${limitation}`),
    rtt: ms(rtt),
    loss: loss === undefined ? '' : `${formatShare(loss, 1, locale)} (${formatNumber(lost, locale)})`,
    repeats: join(count(sample.repeats, locale), count(sample.keyframesAsked, locale)),
    available: formatBitrate(sample.available, locale),
  };
}

function count(value, locale) {
  return value === undefined ? '' : formatNumber(value, locale);
}
