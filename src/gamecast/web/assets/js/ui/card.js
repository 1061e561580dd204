/** A card of the home page: one stream on air. */
import { h, icon, setText } from '../lib/dom.js';
import { formatCount, formatUptime } from '../lib/format.js';
import { i18n, localize, t } from '../i18n.js';
import { avatar } from './avatar.js';
import { softwareName, trackOf } from '../player/codecs.js';
import { technical } from './channelinfo.js';

/** How often the picture is fetched anew, and how long after a stream without one (ms). */
const REFRESH = 5000;
const RETRY = 8000;

export class StreamCard {
  #stream;
  #startedAt = 0;
  #timer = null;
  #alive = true;

  constructor(stream) {
    this.#stream = stream;
    this.element = this.#build(stream.name);
    this.#refresh();
  }

  /** New numbers; `now` in epoch milliseconds by the server's clock. */
  update(stream, now) {
    this.#stream = stream;
    const title = stream.title || stream.name;
    setText(this.title, title);
    setText(this.name, stream.name);
    setText(this.viewers, formatCount(stream.viewers?.total ?? 0, i18n.locale));
    const words = [...technical(stream), softwareName(stream.publisher?.software)].filter(Boolean);
    if (this.chips.textContent !== words.join('')) {
      this.chips.replaceChildren(...words.map((word) => h('li', {}, word)));
    }
    this.#startedAt = Date.parse(stream.started_at);
    this.element.firstChild.setAttribute('aria-label', t('home.watch', { title, name: stream.name }));
    this.tick(now);
  }

  /** Let the running time run. */
  tick(now) {
    setText(this.uptime, formatUptime(now - this.#startedAt));
  }

  destroy() {
    this.#alive = false;
    clearTimeout(this.#timer);
    this.element.remove();
  }

  #build(name) {
    this.poster = h('img.poster', { alt: '', decoding: 'async', hidden: true });
    this.title = h('h2');
    this.name = h('p.card-name');
    this.viewers = h('span');
    this.uptime = h('span');
    this.chips = h('ul.chips');
    const picture = h(
      'div.card-picture',
      {},
      h('div.poster-empty', {}, icon('broadcast')),
      this.poster,
      h('span.pill', { 'data-i18n': 'live.word' }),
      h('span.badge.card-viewers', {}, icon('viewers'), this.viewers),
      h('span.badge.card-uptime', {}, this.uptime),
    );
    const words = h('div.card-words', {}, this.title, this.name, this.chips);
    const watch = h('span.button.accent', {}, icon('play'), h('span', { 'data-i18n': 'home.watch-now' }));
    const link = h(
      'a.card-link',
      { href: `/${encodeURIComponent(name)}` },
      picture,
      h('div.card-body', {}, avatar(name), words, watch),
    );
    const element = h('li.card', {}, link);
    localize(element);
    return element;
  }

  /** Fetch the next picture beside the one shown, so that nothing flickers. */
  async #refresh() {
    const wait = await this.#nextPoster();
    if (this.#alive) this.#timer = setTimeout(() => this.#refresh(), wait);
  }

  async #nextPoster() {
    if (document.hidden || trackOf(this.#stream, 'video') === null) return REFRESH;
    const next = new Image();
    next.src = `/live/${encodeURIComponent(this.#stream.name)}/poster.jpg?t=${Math.floor(Date.now() / 1000)}`;
    try {
      await next.decode();
    } catch {
      return RETRY; // none yet
    }
    if (!this.#alive) return REFRESH;
    next.className = 'poster';
    next.alt = '';
    this.poster.replaceWith(next);
    this.poster = next;
    return REFRESH;
  }
}
