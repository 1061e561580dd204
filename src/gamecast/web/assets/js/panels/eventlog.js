/** The event log panel: what happened and when, with a button that copies all of it. */
import { copyText, h, icon, setText } from '../lib/dom.js';
import { formatClock } from '../lib/format.js';
import { i18n, localize, t } from '../i18n.js';
import { engineById } from '../player/engines/index.js';

export class EventLogPanel {
  #log;
  #header;
  #lines = new Map();

  /**
   * @param {import('../lib/eventlog.js').EventLog} log
   * @param {() => string[]} header lines that stand above a copy: page, browser, ...
   */
  constructor(log, header) {
    this.#log = log;
    this.#header = header;
    this.element = this.#build();
    for (const entry of log.entries) this.#render(entry);
    log.on('change', (entry) => (entry === null ? this.#renderAll() : this.#render(entry)));
    i18n.on('change', () => this.#renderAll());
  }

  #build() {
    this.list = h('ol.log-lines', { role: 'log', tabindex: '0', 'data-i18n-label': 'log.title' });
    this.copyButton = this.#button('log.copy', 'copy', () => this.#copy());
    const clear = this.#button('log.clear', 'close', () => this.#log.clear());
    const element = h('div.log', {}, h('div.log-tools', {}, this.copyButton, clear), this.list);
    localize(element);
    return element;
  }

  #button(key, iconName, click) {
    const attributes = { type: 'button', on: { click } };
    return h('button.button.small', attributes, icon(iconName), h('span', { 'data-i18n': key }));
  }

  #renderAll() {
    this.#lines.clear();
    this.list.replaceChildren();
    for (const entry of this.#log.entries) this.#render(entry);
  }

  #render(entry) {
    const { id, time, level, count } = entry;
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 24;
    let line = this.#lines.get(id);
    if (!line) {
      line = h('li', { class: `level-${level}` }, h('time'), h('span'));
      this.#lines.set(id, line);
      this.list.append(line);
      this.#forget();
    }
    setText(line.firstChild, formatClock(time));
    line.firstChild.dateTime = new Date(time).toISOString();
    setText(line.lastChild, logText(entry) + (count > 1 ? ` ×${count}` : ''));
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  #forget() {
    const oldest = this.#log.entries[0].id;
    for (const [id, line] of this.#lines) {
      if (id >= oldest) return;
      line.remove();
      this.#lines.delete(id);
    }
  }

  async #copy() {
    const done = await copyText(this.#log.text(this.#header()));
    const label = this.copyButton.lastElementChild;
    setText(label, t(done ? 'copied' : 'copy-failed'));
    setTimeout(() => setText(label, t('log.copy')), 1600);
  }
}

/** Details whose value is an engine's id. */
const ENGINES = new Set(['engine', 'from', 'to', 'protocol']);

/** An entry in the viewer's language. */
export function logText({ code, details }) {
  const values = Object.entries(details).map(([key, value]) => [
    key,
    ENGINES.has(key) ? engineName(value) : value,
  ]);
  const key = `log.${code}`;
  const words = t(key, Object.fromEntries(values));
  return words === key ? [code, ...values.map(([, value]) => value)].join(' ') : words;
}

function engineName(id) {
  return engineById(id)?.label ?? (id === 'auto' ? t('menu.auto') : id);
}
