/** The bar of controls under the picture. */
import { h, icon, setIcon, setText } from '../lib/dom.js';
import { formatLatency } from '../lib/format.js';
import { i18n, localize, setTip, t } from '../i18n.js';
import { Menu } from './menu.js';

export class Controls {
  #player;
  #sound;
  #modes;
  #actions;
  #menu;

  constructor({ player, sound, modes, actions, preferences }) {
    this.#player = player;
    this.#sound = sound;
    this.#modes = modes;
    this.#actions = actions;
    this.#menu = new Menu({ player, preferences, actions });
    this.element = this.#build();
    player.on('state', () => this.#renderPlay());
    player.on('sample', () => this.#renderLive());
    player.on('seek', () => this.#renderLive());
    player.on('state', () => this.#renderLive());
    sound.on('change', () => this.#renderVolume());
    modes.on('change', () => this.#renderModes());
    i18n.on('change', () => this.#renderAll());
    this.#renderAll();
  }

  get menuOpen() {
    return this.#menu.open;
  }

  /** Close the settings menu; returns whether it was open. */
  closeMenu() {
    return this.#menu.close();
  }

  #build() {
    this.playButton = this.#button('play', 'control.play', 'K', () => this.#actions.toggle());
    this.muteButton = this.#button('volume', 'control.mute', 'M', () => this.#actions.mute());
    this.slider = h('input.volume', {
      type: 'range',
      min: '0',
      max: '100',
      step: '1',
      'data-i18n-label': 'control.volume',
      on: { input: () => this.#sound.setVolume(this.slider.valueAsNumber / 100) },
    });
    this.liveText = h('span.live-word', { 'data-i18n': 'live.word' });
    this.latency = h('span.live-latency');
    const liveClick = { click: () => this.#actions.live() };
    this.live = h(
      'button.live-badge',
      { type: 'button', on: liveClick },
      h('span.live-dot'),
      this.liveText,
      this.latency,
    );
    const volume = h('div.volume-group', {}, this.muteButton, this.slider);
    const element = h(
      'div.controls',
      { role: 'group', 'data-i18n-label': 'control.group' },
      h('div.controls-side', {}, this.playButton, volume, this.live),
      h('div.controls-side', {}, ...this.#rightSide()),
    );
    localize(element);
    return element;
  }

  #rightSide() {
    const { stats, pip, theatre } = this.#actions;
    this.settingsButton = this.#button('settings', 'control.settings', '', () => this.#menu.toggle());
    this.settingsButton.setAttribute('aria-haspopup', 'menu');
    this.#menu.attach(this.settingsButton);
    const statsButton = stats && this.#button('stats', 'control.stats', 'S', stats, 'wide');
    this.pipButton = pip && this.#button('pip', 'control.pip', 'I', pip, 'wide');
    this.theatreButton = theatre && this.#button('theatre', 'control.theatre', 'T', theatre, 'wide');
    const web = () => this.#actions.webFullscreen();
    this.webButton = this.#button('web-fullscreen', 'control.web', 'W', web, 'wide');
    const full = () => this.#actions.fullscreen();
    this.fullButton = this.#button('fullscreen', 'control.fullscreen', 'F', full);
    return [
      h('div.menu-anchor', {}, this.settingsButton, this.#menu.element),
      statsButton,
      this.pipButton,
      this.theatreButton,
      this.webButton,
      this.fullButton,
    ];
  }

  #button(iconName, key, shortcut, click, kind = '') {
    const attributes = { type: 'button', 'data-i18n-tip': key, 'data-key': shortcut, on: { click } };
    const element = h('button.control', attributes, icon(iconName));
    if (kind) element.classList.add(kind);
    return element;
  }

  #renderAll() {
    this.#renderPlay();
    this.#renderVolume();
    this.#renderLive();
    this.#renderModes();
  }

  #renderPlay() {
    const stopped = ['paused', 'blocked', 'error', 'offline', 'idle'].includes(this.#player.state);
    setIcon(this.playButton.firstChild, stopped ? 'play' : 'pause');
    setTip(this.playButton, stopped ? 'control.play' : 'control.pause');
    this.playButton.disabled = ['offline', 'idle'].includes(this.#player.state);
  }

  #renderVolume() {
    const { muted, volume } = this.#sound;
    const shown = muted ? 0 : Math.round(volume * 100);
    const quiet = volume < 0.5 ? 'volume-low' : 'volume';
    setIcon(this.muteButton.firstChild, muted ? 'muted' : quiet);
    setTip(this.muteButton, muted ? 'control.unmute' : 'control.mute');
    this.slider.value = String(shown);
    this.slider.style.setProperty('--share', `${shown}%`);
    this.slider.setAttribute('aria-valuetext', muted ? t('control.muted') : `${shown} %`);
  }

  #renderLive() {
    const { state, live } = this.#player;
    const shown = ['playing', 'buffering', 'paused', 'reconnecting'].includes(state);
    this.live.hidden = !shown;
    this.live.dataset.live = String(live && state === 'playing');
    const latency = formatLatency(this.#player.latency(), i18n.locale);
    setText(this.latency, latency);
    this.live.setAttribute('aria-label', latency ? t('live.label', { latency }) : t('live.jump'));
    this.live.dataset.tip = live ? t('live.at-edge') : t('live.jump');
  }

  #renderModes() {
    const { mode, fullscreen, pictureInPicture } = this.#modes;
    const toggles = [
      [this.theatreButton, mode === 'theatre', 'theatre', 'control.theatre'],
      [this.webButton, mode === 'web', 'web-fullscreen', 'control.web'],
      [this.fullButton, fullscreen, 'fullscreen', 'control.fullscreen'],
    ];
    for (const [button, active, name, key] of toggles) {
      if (!button) continue;
      setIcon(button.firstChild, active ? `${name}-exit` : name);
      setTip(button, active ? `${key}-exit` : key);
      button.setAttribute('aria-pressed', String(active));
    }
    this.pipButton?.setAttribute('aria-pressed', String(pictureInPicture));
  }
}
