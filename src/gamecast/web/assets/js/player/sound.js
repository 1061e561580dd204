/**
 * Volume, mute and the browser's autoplay rules.
 *
 * A page may not start with sound before the viewer has touched it. So the player tries with sound,
 * then muted (`autoMuted`: the page shows a large "unmute"), and if even that is refused the picture
 * waits for a click. Only what the viewer does is remembered, never what the browser forced.
 */
import { Emitter } from '../lib/emitter.js';

const STEP = 0.05;

export class Sound extends Emitter {
  #video;
  #preferences;
  #autoMuted = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {import('../lib/preferences.js').Preferences} preferences
   * @param {{startMuted?: boolean}} [options] `startMuted` for embedded players, which never begin
   *   with sound on somebody else's page
   */
  constructor(video, preferences, { startMuted = false } = {}) {
    super();
    this.#video = video;
    this.#preferences = preferences;
    video.volume = preferences.get('volume');
    video.muted = startMuted || preferences.get('muted');
    this.#autoMuted = startMuted && !preferences.get('muted');
    video.addEventListener('volumechange', () => this.emit('change'));
  }

  get volume() {
    return this.#video.volume;
  }

  get muted() {
    return this.#video.muted || this.#video.volume === 0;
  }

  /** Muted by the browser's rules and not by the viewer. */
  get autoMuted() {
    return this.#autoMuted && this.#video.muted;
  }

  /** @param {number} volume 0 to 1; also unmutes, as people expect of a slider */
  setVolume(volume) {
    const value = Math.round(Math.min(1, Math.max(0, volume)) * 100) / 100;
    this.#video.volume = value;
    this.#preferences.set('volume', value);
    if (value > 0) this.setMuted(false);
    this.emit('change');
  }

  step(direction) {
    const from = this.#video.muted ? 0 : this.#video.volume;
    this.setVolume(from + direction * STEP);
  }

  setMuted(muted) {
    this.#autoMuted = false;
    if (!muted && this.#video.volume === 0) {
      this.#video.volume = 0.5;
      this.#preferences.set('volume', 0.5);
    }
    this.#video.muted = muted;
    this.#preferences.set('muted', muted);
    this.emit('change');
  }

  toggle() {
    this.setMuted(!this.muted);
  }

  /**
   * Start playing by the rules.
   * @returns {Promise<'started' | 'muted' | 'blocked' | 'aborted'>} `aborted`: something else was
   *   loaded meanwhile, which will ask again
   */
  async start() {
    const first = await this.#tryPlay();
    if (first !== 'blocked' || this.#video.muted) return first;
    this.#video.muted = true;
    this.#autoMuted = true;
    this.emit('change');
    const second = await this.#tryPlay();
    return second === 'started' ? 'muted' : second;
  }

  async #tryPlay() {
    try {
      await this.#video.play();
      return 'started';
    } catch (error) {
      return error.name === 'NotAllowedError' ? 'blocked' : 'aborted';
    }
  }
}
