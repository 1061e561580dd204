/**
 * The embedded player: alone in a frame of somebody else's page. It never begins with sound.
 * `?autoplay=0` waits for a click.
 */
import { h } from '../lib/dom.js';
import { i18n, localize, t } from '../i18n.js';
import { listenToKeys } from '../player/keyboard.js';
import { openChannel } from './channel.js';

const paused = new URLSearchParams(location.search).get('autoplay') === '0';
const { name, view, player } = openChannel({ startMuted: true, paused });
listenToKeys(view.actions, () => view.wake());
buildTitle(document.querySelector('#player'));

function buildTitle(root) {
  const link = h('a', { href: `/${encodeURIComponent(name)}`, target: '_blank', rel: 'noopener' });
  const pill = h('span.pill', { 'data-i18n': 'live.word' });
  const title = h('div.embed-title', {}, pill, link);
  root.append(title);
  localize(title);
  const update = () => {
    pill.hidden = player.stream === null;
    link.textContent = player.stream?.title || name;
    document.title = `${link.textContent} – Gamecast`;
    root.setAttribute('aria-label', t('player.label', { name }));
  };
  player.on('stream', update);
  i18n.on('change', update);
  update();
}
