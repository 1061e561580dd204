/**
 * The player on the page: the video, what lies over it, and the bar of controls below. Everything a
 * pointer, a finger or a key can do goes through `actions`, so that buttons, menu and keyboard agree.
 */
import { Preferences } from '../lib/preferences.js';
import { h, show } from '../lib/dom.js';
import { localize } from '../i18n.js';
import { Controls } from './controls.js';
import { FreezeFrame } from './freeze.js';
import { Modes } from './modes.js';
import { Overlay } from './overlay.js';
import { Player } from './player.js';
import { Sound } from './sound.js';

/** The controls hide after this long without a movement (ms). */
const IDLE = 2600;

/** A second click within this time (ms) makes a double-click: fullscreen, and no pause. */
const DOUBLE = 230;

export class PlayerView {
  #root;
  #idleTimer = null;
  #clickTimer = null;

  /**
   * @param {HTMLElement} root the `.player` element of the page
   * @param {object} parts `{name, clock, log, preferences, startMuted, panels}`; `panels` are the
   *   actions `stats`, `log` and `help` of the page, where it has them
   */
  constructor(root, { name, clock, log, preferences = new Preferences(), startMuted, panels = {} }) {
    this.#root = root;
    this.video = h('video', { playsinline: true, preload: 'auto', tabindex: '-1' });
    this.video.disableRemotePlayback = true; // ManagedMediaSource needs it
    const canvas = h('canvas.freeze');
    this.sound = new Sound(this.video, preferences, { startMuted });
    const freeze = new FreezeFrame(this.video, canvas);
    const { video, sound } = this;
    this.player = new Player({ video, name, clock, preferences, sound, freeze, log });
    this.modes = new Modes(root, this.video, preferences);
    this.actions = this.#actions(panels);
    const parts = { view: this, player: this.player, sound, modes: this.modes, preferences, name };
    this.overlay = new Overlay({ ...parts, actions: this.actions });
    this.controls = new Controls({ ...parts, actions: this.actions });
    this.surface = h('div.surface');
    root.append(video, canvas, this.surface, this.overlay.element, this.controls.element);
    localize(root);
    this.#listen();
  }

  /** Show the controls and hide them again after a while. */
  wake() {
    this.#root.classList.remove('idle');
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#sleep(), IDLE);
  }

  #sleep() {
    const busy =
      this.player.state !== 'playing' ||
      this.controls.menuOpen ||
      this.controls.element.matches(':hover') ||
      this.controls.element.querySelector(':focus-visible') !== null;
    if (busy) this.#idleTimer = setTimeout(() => this.#sleep(), IDLE);
    else this.#root.classList.add('idle');
  }

  #actions(panels) {
    const { player, sound, modes } = this;
    return {
      toggle: () => player.toggle(),
      play: () => player.play(),
      retry: () => player.retry(),
      mute: () => sound.toggle(),
      unmute: () => sound.setMuted(false),
      volume: (direction) => sound.step(direction),
      seek: (delta) => player.seekBy(delta),
      live: () => {
        player.jumpToLive();
        player.play();
      },
      fullscreen: () => modes.toggleFullscreen(),
      webFullscreen: () => modes.toggle('web'),
      theatre: modes.canTheatre ? () => modes.toggle('theatre') : null,
      pip: modes.canPictureInPicture ? () => modes.togglePictureInPicture() : null,
      leave: () => modes.leave(),
      ...panels,
    };
  }

  #listen() {
    const { player, surface } = this;
    for (const type of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
      this.#root.addEventListener(type, () => this.wake());
    }
    this.#root.addEventListener('pointerleave', ({ pointerType }) => {
      if (pointerType === 'mouse' && player.state === 'playing' && !this.controls.menuOpen) {
        this.#root.classList.add('idle');
      }
    });
    surface.addEventListener('pointerup', (event) => this.#tapped(event));
    surface.addEventListener('dblclick', () => this.actions.fullscreen());
    player.on('state', ({ state }) => this.#stateChanged(state));
    player.on('stream', (stream) => {
      const audioOnly = stream !== null && !stream.tracks?.some(({ kind }) => kind === 'video');
      this.#root.classList.toggle('audio-only', audioOnly);
    });
    this.#stateChanged(player.state);
  }

  #tapped({ pointerType, button }) {
    if (button !== 0) return;
    clearTimeout(this.#clickTimer);
    if (this.controls.closeMenu()) return;
    if (this.sound.autoMuted) {
      this.actions.unmute();
      return;
    }
    if (pointerType === 'mouse') {
      const now = performance.now();
      const double = now - (this.lastClick ?? 0) < DOUBLE;
      this.lastClick = now;
      if (!double) this.#clickTimer = setTimeout(() => this.actions.toggle(), DOUBLE);
    }
    // A finger only brings up the controls; pausing by accident is worse than one more tap.
  }

  #stateChanged(state) {
    this.#root.dataset.state = state;
    show(this.surface, !['offline', 'error'].includes(state));
    this.wake();
  }
}
