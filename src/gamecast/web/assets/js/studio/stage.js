/** The preview, the choice of the source, the microphone's switch, the level, and "go live". */
import { h, icon, setIcon, setText, show } from '../lib/dom.js';
import { formatUptime } from '../lib/format.js';
import { localize, setTip, t } from '../i18n.js';
import { SOURCES } from './capture.js';

const ICONS = { screen: 'screen', camera: 'camera', test: 'pattern' };

export class Stage {
  #actions;
  #sources = new Map();

  /** @param {{source, live, mute}} actions `source(kind)`, `live()` toggles, `mute()` toggles */
  constructor(actions, meter) {
    this.#actions = actions;
    this.preview = h('video', { playsinline: true, autoplay: true });
    this.preview.muted = true;
    this.element = h('div.studio-stage', {}, this.#screen(), this.#bar(meter), this.#messages());
    localize(this.element);
  }

  /** Show what is captured, or the invitation to choose. */
  setSource(kind, stream) {
    this.preview.srcObject = stream;
    show(this.empty, stream === null);
    this.preview.classList.toggle('mirrored', kind === 'camera');
    for (const [name, button] of this.#sources) {
      button.setAttribute('aria-pressed', String(stream !== null && name === kind));
    }
  }

  setMuted(muted, possible) {
    setIcon(this.muteButton.firstChild, muted ? 'mic-off' : 'mic');
    setTip(this.muteButton, muted ? 'studio.unmute' : 'studio.mute');
    this.muteButton.setAttribute('aria-pressed', String(muted));
    this.muteButton.disabled = !possible;
  }

  /** `publisher` as it is now. */
  render({ state, since, channel }, now = Date.now()) {
    const on = state !== 'off';
    this.element.dataset.state = state;
    setIcon(this.liveButton.firstChild, on ? 'stop' : 'broadcast');
    setText(this.liveButton.lastElementChild, t(on ? 'studio.stop' : 'topbar.go-live'));
    this.liveButton.classList.toggle('accent', !on);
    this.liveButton.classList.toggle('danger', on);
    show(this.badge, on);
    setText(this.badgeText, t(`studio.state-${state}`));
    setText(this.uptime, since === null ? '' : formatUptime(now - since));
    show(this.link, state === 'live' && channel !== '');
    this.link.href = `/${encodeURIComponent(channel)}`;
    setText(this.link.lastElementChild, t('studio.watch', { channel }));
  }

  /** A message under the preview; `null` takes it away. */
  say(kind, text) {
    show(this.message, text !== null);
    this.message.dataset.kind = kind;
    setText(this.message.lastElementChild, text ?? '');
  }

  #screen() {
    const picks = SOURCES.map((kind) => this.#pick(kind));
    this.empty = h('div.studio-empty', {}, h('p', { 'data-i18n': 'studio.choose' }), h('div.studio-picks', {}, ...picks));
    this.badgeText = h('span');
    this.uptime = h('span.studio-uptime');
    this.badge = h('p.studio-badge', { role: 'status', hidden: true }, h('span.live-dot'), this.badgeText, this.uptime);
    return h('div.studio-screen', {}, this.preview, this.empty, this.badge);
  }

  #pick(kind) {
    const on = { click: () => this.#actions.source(kind) };
    const text = h('span', { 'data-i18n': `studio.source-${kind}` });
    return h('button.studio-pick', { type: 'button', on }, icon(ICONS[kind]), text);
  }

  #bar(meter) {
    const tabs = SOURCES.map((kind) => {
      const on = { click: () => this.#actions.source(kind) };
      const text = h('span', { 'data-i18n': `studio.source-${kind}` });
      const attributes = { type: 'button', 'aria-pressed': 'false', on };
      const button = h('button.segment', attributes, icon(ICONS[kind]), text);
      this.#sources.set(kind, button);
      return button;
    });
    const group = { role: 'group', 'data-i18n-label': 'studio.source' };
    this.muteButton = h('button.icon-button', { type: 'button', on: { click: () => this.#actions.mute() } }, icon('mic'));
    this.liveButton = h(
      'button.button.accent.live-button',
      { type: 'button', on: { click: () => this.#actions.live() } },
      icon('broadcast'),
      h('span'),
    );
    return h(
      'div.studio-bar',
      {},
      h('div.segments', group, ...tabs),
      h('div.studio-sound', {}, this.muteButton, meter.element),
      this.liveButton,
    );
  }

  #messages() {
    this.message = h('p.studio-message', { role: 'alert', hidden: true }, icon('warning'), h('span'));
    const text = h('span');
    this.link = h('a.button', { target: '_blank', rel: 'noopener', hidden: true }, icon('external'), text);
    return h('div.studio-below', {}, this.message, this.link);
  }
}
