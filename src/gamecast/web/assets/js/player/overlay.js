/** What lies over the picture: waiting, paused, offline, errors, "unmute"; and says it aloud. */
import { copyText, h, icon, setText, show } from '../lib/dom.js';
import { i18n, localize, t } from '../i18n.js';

/** A spinner for less than this (ms) is a flicker. */
const SPINNER_DELAY = 350;

export class Overlay {
  #player;
  #sound;
  #actions;
  #name;
  #retryAt = null;
  #timer = null;

  constructor({ player, sound, actions, name }) {
    this.#player = player;
    this.#sound = sound;
    this.#actions = actions;
    this.#name = name;
    this.element = this.#build();
    player.on('state', () => this.render());
    player.on('retry', ({ seconds }) => {
      this.#retryAt = performance.now() + seconds * 1000;
      this.render();
    });
    player.on('sample', ({ details }) => show(this.short, details?.short === true));
    sound.on('change', () => this.#renderUnmute());
    i18n.on('change', () => this.render());
    this.render();
  }

  render() {
    const { state, reason } = this.#player;
    const waiting = ['idle', 'connecting', 'buffering', 'reconnecting'].includes(state);
    show(this.spinner, waiting);
    this.spinner.classList.toggle('soon', state !== 'reconnecting');
    const message = this.#message(state, reason);
    show(this.message, message !== null);
    if (message) {
      setText(this.title, message.title);
      setText(this.text, message.text);
    }
    show(this.art, state === 'offline');
    show(this.warning, state === 'error');
    show(this.bigPlay, state === 'paused' || state === 'blocked');
    show(this.retryButton, state === 'error');
    show(this.copyButton, state === 'error');
    show(this.homeLink, state === 'offline' || state === 'error');
    setText(this.status, t(`state.${state}`));
    this.#renderUnmute();
    this.#countDown(state);
  }

  #message(state, reason) {
    const name = this.#name;
    if (state === 'offline') return { title: t('offline.title', { name }), text: t('offline.text') };
    if (state === 'blocked') return { title: '', text: t('blocked.text') };
    if (state === 'reconnecting') {
      const publisher = reason === 'publisher' || reason === 'ended';
      return {
        title: t('reconnecting.title'),
        text: publisher ? t('reconnecting.publisher') : this.#retryText(),
      };
    }
    if (state === 'error') {
      return { title: t('error.title'), text: t('error.text', { reason: reason ?? '?' }) };
    }
    return null;
  }

  #retryText() {
    const left = this.#retryAt === null ? 0 : (this.#retryAt - performance.now()) / 1000;
    return left > 1 ? t('reconnecting.retry', { count: Math.ceil(left) }) : t('reconnecting.now');
  }

  #countDown(state) {
    clearTimeout(this.#timer);
    if (state !== 'reconnecting') return;
    this.#timer = setTimeout(() => this.render(), 1000);
  }

  #renderUnmute() {
    const moving = ['playing', 'buffering', 'reconnecting'].includes(this.#player.state);
    show(this.unmute, this.#sound.autoMuted && moving);
  }

  #build() {
    this.spinner = h('div.spinner', {}, h('span.ring'));
    this.spinner.style.setProperty('--delay', `${SPINNER_DELAY}ms`);
    this.art = h('div.overlay-art', {}, icon('broadcast'));
    this.warning = h('div.overlay-art.warning', {}, icon('warning'));
    this.title = h('h2');
    this.text = h('p');
    this.retryButton = this.#button('error.retry', 'refresh', () => this.#actions.retry());
    this.copyButton = this.#button('error.copy', 'copy', () => this.#copy());
    this.homeLink = h('a.button', { href: '/', 'data-i18n': 'offline.home' });
    this.message = h(
      'div.overlay-message',
      {},
      this.art,
      this.warning,
      this.title,
      this.text,
      h('div.overlay-actions', {}, this.retryButton, this.copyButton, this.homeLink),
    );
    this.bigPlay = h(
      'button.big-play',
      { type: 'button', 'data-i18n-label': 'control.play', on: { click: () => this.#actions.play() } },
      icon('play'),
    );
    this.unmute = h(
      'button.unmute',
      { type: 'button', on: { click: () => this.#actions.unmute() } },
      icon('muted'),
      h('span', { 'data-i18n': 'unmute' }),
    );
    this.short = h('p.short', { role: 'status' }, icon('warning'), h('span', { 'data-i18n': 'short' }));
    show(this.short, false);
    this.status = h('p.visually-hidden', { role: 'status', 'aria-live': 'polite' });
    const children = [
      this.spinner,
      this.message,
      this.bigPlay,
      this.unmute,
      this.short,
      this.status,
    ];
    const element = h('div.overlay', {}, ...children);
    localize(element);
    return element;
  }

  #button(key, iconName, click) {
    const attributes = { type: 'button', on: { click } };
    return h('button.button', attributes, icon(iconName), h('span', { 'data-i18n': key }));
  }

  async #copy() {
    const { reason, protocols, stream } = this.#player;
    const report = { page: location.href, browser: navigator.userAgent, reason, protocols, stream };
    await copyText(JSON.stringify(report, null, 2));
    this.copyButton.lastElementChild.textContent = t('copied');
  }
}
