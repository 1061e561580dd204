/** How large the player is: in the page, theatre, the whole window, the whole screen, a small window. */
import { Emitter } from '../lib/emitter.js';

export class Modes extends Emitter {
  #root;
  #video;
  #preferences;
  #mode = '';

  /** Whether the page around the player has a theatre layout (an embedded player has none). */
  canTheatre;

  constructor(root, video, preferences) {
    super();
    this.#root = root;
    this.#video = video;
    this.#preferences = preferences;
    this.canTheatre = document.body.dataset.theatre !== undefined;
    if (this.canTheatre && preferences.get('theatre')) this.#set('theatre');
    for (const type of ['fullscreenchange', 'webkitfullscreenchange']) {
      document.addEventListener(type, () => this.#changed());
    }
    for (const type of ['enterpictureinpicture', 'leavepictureinpicture']) {
      video.addEventListener(type, () => this.#changed());
    }
  }

  /** `''`, `theatre` or `web`. */
  get mode() {
    return this.#mode;
  }

  get fullscreen() {
    return (document.fullscreenElement ?? document.webkitFullscreenElement ?? null) === this.#root;
  }

  get pictureInPicture() {
    return document.pictureInPictureElement === this.#video;
  }

  get canPictureInPicture() {
    return Boolean(document.pictureInPictureEnabled) || 'webkitSetPresentationMode' in this.#video;
  }

  /** Switch `theatre` or `web` on or off. */
  toggle(mode) {
    this.#set(this.#mode === mode ? '' : mode);
    if (mode === 'theatre') this.#preferences.set('theatre', this.#mode === 'theatre');
  }

  /** Escape: back to the page; returns whether there was something to leave. */
  leave() {
    if (this.#mode === '') return false;
    this.toggle(this.#mode);
    return true;
  }

  async toggleFullscreen() {
    try {
      if (this.fullscreen) await (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
      else await this.#enterFullscreen();
    } catch {
      // Refused (no gesture, or a frame without permission): the window mode is always possible.
      if (!this.fullscreen) this.#set('web');
    }
  }

  async togglePictureInPicture() {
    try {
      if (this.pictureInPicture) await document.exitPictureInPicture();
      else if (this.#video.requestPictureInPicture) await this.#video.requestPictureInPicture();
      else this.#video.webkitSetPresentationMode('picture-in-picture');
    } catch {
      // No picture yet, or no permission: the button simply does nothing.
    }
  }

  #enterFullscreen() {
    const { requestFullscreen, webkitRequestFullscreen } = this.#root;
    if (requestFullscreen) return requestFullscreen.call(this.#root, { navigationUI: 'hide' });
    if (webkitRequestFullscreen) return webkitRequestFullscreen.call(this.#root);
    return this.#video.webkitEnterFullscreen?.(); // iPhone: only the video itself
  }

  #set(mode) {
    this.#mode = mode;
    document.documentElement.dataset.mode = mode;
    this.#changed();
  }

  #changed() {
    this.#root.classList.toggle('is-fullscreen', this.fullscreen);
    this.emit('change');
  }
}
