/** Tabs by the ARIA authoring practices: arrows move between them, the panel follows at once. */
import { h, icon, show } from '../lib/dom.js';
import { localize } from '../i18n.js';

export class Tabs {
  #tabs = [];
  #onSelect;

  /**
   * @param {{id: string, icon: string, element: HTMLElement}[]} entries
   * @param {(id: string) => void} onSelect
   */
  constructor(entries, onSelect) {
    this.#onSelect = onSelect;
    this.list = h('div.tabs', { role: 'tablist', 'data-i18n-label': 'panels.title' });
    this.panels = h('div.panels');
    for (const entry of entries) this.#add(entry);
    this.list.addEventListener('keydown', (event) => this.#key(event));
    localize(this.list);
  }

  get selected() {
    return this.#tabs.find(({ tab }) => tab.getAttribute('aria-selected') === 'true')?.id ?? null;
  }

  select(id) {
    for (const entry of this.#tabs) {
      const active = entry.id === id;
      entry.tab.setAttribute('aria-selected', String(active));
      entry.tab.tabIndex = active ? 0 : -1;
      show(entry.panel, active);
    }
    this.#onSelect(id);
  }

  #add({ id, icon: iconName, element }) {
    const names = { tab: `tab-${id}`, panel: `panel-${id}` };
    const tab = h(
      'button.tab',
      { role: 'tab', type: 'button', id: names.tab, 'aria-controls': names.panel },
      icon(iconName),
      h('span', { 'data-i18n': `panels.${id}` }),
    );
    tab.addEventListener('click', () => this.select(id));
    const attributes = { role: 'tabpanel', id: names.panel, 'aria-labelledby': names.tab };
    const panel = h('section.panel', attributes, element);
    this.#tabs.push({ id, tab, panel });
    this.list.append(tab);
    this.panels.append(panel);
  }

  #key(event) {
    const index = this.#tabs.findIndex(({ tab }) => tab === document.activeElement);
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    if (index < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const count = this.#tabs.length;
    const next = this.#tabs[(index + steps[event.key] + count) % count];
    this.select(next.id);
    next.tab.focus();
  }
}
