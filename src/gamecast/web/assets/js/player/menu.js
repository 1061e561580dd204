/**
 * The settings menu: quality, protocol, catch-up, and the way to the panels. Follows the ARIA
 * authoring practices for menus: arrows move, Enter chooses, Escape and Tab leave.
 */
import { h, icon } from '../lib/dom.js';
import { formatBitrate, qualityLabel } from '../lib/format.js';
import { i18n, t } from '../i18n.js';
import { engineById, engines } from './engines/index.js';
import { ORDER } from './selection.js';

const NARROW = matchMedia('(width < 640px)');

export class Menu {
  #player;
  #preferences;
  #actions;
  #button = null;
  #page = 'main';

  constructor({ player, preferences, actions }) {
    this.#player = player;
    this.#preferences = preferences;
    this.#actions = actions;
    this.element = h('div.menu', { role: 'menu', hidden: true, 'data-i18n-label': 'control.settings' });
    this.element.addEventListener('keydown', (event) => this.#key(event));
    document.addEventListener('pointerdown', ({ target }) => {
      if (!this.element.parentElement?.contains(target)) this.close();
    });
    player.on('engine', () => this.open && this.#render());
    i18n.on('change', () => this.open && this.#render());
  }

  get open() {
    return !this.element.hidden;
  }

  /** The button that opens the menu; focus returns to it. */
  attach(button) {
    this.#button = button;
    button.setAttribute('aria-expanded', 'false');
  }

  toggle() {
    if (this.close()) return;
    this.element.hidden = false;
    this.#sheet(NARROW.matches);
    this.#button.setAttribute('aria-expanded', 'true');
    this.#show('main');
  }

  close() {
    if (!this.open) return false;
    const focused = this.element.contains(document.activeElement);
    this.#sheet(false);
    this.element.hidden = true;
    this.#button.setAttribute('aria-expanded', 'false');
    if (focused) this.#button.focus();
    return true;
  }

  /** On a phone the menu rises from the bottom of the screen, above everything and outside the player. */
  #sheet(on) {
    if (!this.element.showPopover) return;
    if (on) {
      this.element.popover = 'manual';
      this.element.showPopover();
    } else if (this.element.popover) {
      this.element.hidePopover();
      this.element.popover = null;
    }
  }

  #show(page) {
    this.#page = page;
    this.#render();
    const items = this.#items();
    (items.find((item) => item.getAttribute('aria-checked') === 'true' && page !== 'main') ?? items[0])?.focus();
  }

  #render() {
    const focused = this.#items().indexOf(document.activeElement);
    const pages = { main: () => this.#main(), quality: () => this.#quality(), protocol: () => this.#protocol() };
    this.element.replaceChildren(...pages[this.#page]());
    if (focused >= 0) this.#items()[focused]?.focus();
  }

  #main() {
    const { log, help, stats } = this.#actions;
    const { items, current } = this.#player.qualities();
    const level = items.find(({ id }) => id === current);
    return [
      this.#parent('quality', level ? levelName(level) : this.#sourceName()),
      this.#parent('protocol', this.#protocolName(this.#preferences.get('protocol'))),
      this.#catchUp(),
      stats || log || help ? h('hr', { role: 'separator' }) : null,
      stats && this.#item('stats', t('control.stats'), stats),
      log && this.#item('log', t('control.log'), log),
      help && this.#item('keyboard', t('help.title'), help),
    ].filter(Boolean);
  }

  #catchUp() {
    if (engineById(this.#player.engine)?.seekable === false) return null; // always at the edge
    const on = this.#preferences.get('catchUp');
    return this.#check(t('menu.catch-up'), on, () => {
      this.#preferences.set('catchUp', !on);
      this.#render();
    });
  }

  #quality() {
    const { items, current } = this.#player.qualities();
    const automatic = items.length > 0 ? t('menu.auto') : this.#sourceName();
    const choose = (id) => () => {
      this.#player.setQuality(id);
      this.close();
    };
    const levels = [...items].sort((a, b) => b.bitrate - a.bitrate);
    return [
      this.#back('menu.quality'),
      this.#radio(automatic, '', current === 'auto', choose('auto')),
      ...levels.map((level) => {
        const note = formatBitrate(level.bitrate, i18n.locale);
        return this.#radio(levelName(level), note, level.id === current, choose(level.id));
      }),
    ];
  }

  #protocol() {
    const chosen = this.#preferences.get('protocol');
    const { refused } = this.#player.protocols;
    const choose = (id) => () => {
      this.#player.setProtocol(id);
      this.close();
    };
    const known = engines().sort((a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id));
    return [
      this.#back('menu.protocol'),
      this.#radio(t('menu.auto'), this.#automaticNote(), chosen === 'auto', choose('auto')),
      ...known.map(({ id, label }) => {
        const note = id in refused ? t('menu.unsupported') : t(`protocol.${id}`);
        const usable = !(id in refused);
        const item = this.#radio(label, note, chosen === id, usable ? choose(id) : () => {});
        if (!usable) item.setAttribute('aria-disabled', 'true');
        return item;
      }),
    ];
  }

  #automaticNote() {
    return engineById(this.#player.engine)?.label ?? '';
  }

  #protocolName(chosen) {
    if (chosen !== 'auto') return engineById(chosen)?.label ?? chosen;
    const current = this.#automaticNote();
    return current ? `${t('menu.auto')} · ${current}` : t('menu.auto');
  }

  #sourceName() {
    const track = this.#player.stream?.tracks?.find(({ kind }) => kind === 'video');
    const label = track ? qualityLabel(track.width, track.height, track.fps) : '';
    return label ? `${t('menu.source')} · ${label}` : t('menu.source');
  }

  #parent(page, value) {
    const attributes = { role: 'menuitem', 'aria-haspopup': 'menu', type: 'button' };
    const element = h(
      'button.menu-item',
      { ...attributes, on: { click: () => this.#show(page) } },
      h('span.menu-label', {}, t(`menu.${page}`)),
      h('span.menu-note', {}, value),
      icon('chevron-right'),
    );
    element.dataset.page = page;
    return element;
  }

  #back(key) {
    const on = { click: () => this.#show('main') };
    return h(
      'button.menu-item.menu-back',
      { role: 'menuitem', type: 'button', 'aria-label': t('menu.back'), on },
      icon('chevron-left'),
      h('span.menu-label', {}, t(key)),
    );
  }

  #radio(label, note, checked, click) {
    const attributes = { role: 'menuitemradio', 'aria-checked': String(checked), type: 'button' };
    return h(
      'button.menu-item',
      { ...attributes, on: { click } },
      icon('check'),
      h('span.menu-label', {}, label),
      h('span.menu-note', {}, note),
    );
  }

  #check(label, checked, click) {
    const attributes = { role: 'menuitemcheckbox', 'aria-checked': String(checked), type: 'button' };
    return h(
      'button.menu-item',
      { ...attributes, on: { click } },
      h('span.menu-label', {}, label),
      h('span.switch'),
    );
  }

  #item(iconName, label, action) {
    const click = () => {
      this.close();
      action();
    };
    const attributes = { role: 'menuitem', type: 'button', on: { click } };
    return h('button.menu-item', attributes, icon(iconName), h('span.menu-label', {}, label));
  }

  #items() {
    return [...this.element.querySelectorAll('.menu-item')];
  }

  #key(event) {
    const items = this.#items();
    const index = items.indexOf(document.activeElement);
    const steps = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: items.length - 1 };
    if (event.key in steps) items[(steps[event.key] + items.length) % items.length].focus();
    else if (event.key === 'ArrowRight') items[index]?.dataset.page && this.#show(items[index].dataset.page);
    else if (event.key === 'ArrowLeft' && this.#page !== 'main') this.#show('main');
    else if (event.key === 'Escape' || event.key === 'Tab') this.close();
    else return;
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  }
}

function levelName({ width, height, fps, bitrate }) {
  return qualityLabel(width, height, fps) || formatBitrate(bitrate, i18n.locale);
}
