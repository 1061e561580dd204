/** Below the player: who plays what, to how many, since when, and how it is sent. */
import { h, icon, setText, show } from '../lib/dom.js';
import { formatBitrate, formatCount, formatUptime, qualityLabel } from '../lib/format.js';
import { i18n, localize, t } from '../i18n.js';
import { codecName, softwareName, trackOf } from '../player/codecs.js';
import { openShare } from './share.js';
import { avatar } from './avatar.js';

/**
 * @param {HTMLElement} root
 * @param {object} parts `{name, player, actions}`
 */
export function buildChannelInfo(root, { name, player, actions }) {
  const title = h('h1', {}, name);
  const sub = h('p.channel-sub');
  const viewers = fact('viewers', 'channel.viewers');
  const uptime = fact('clock', 'channel.uptime');
  const pill = h('span.pill', { 'data-i18n': 'live.word' });
  const chips = h('ul.chips', { 'data-i18n-label': 'channel.about' });
  const share = toolButton('share', 'share.title', () => openShare(name));
  const stats = toolButton('stats', 'control.stats', actions.stats);
  const log = toolButton('log', 'control.log', actions.log);
  root.append(
    avatar(name),
    h('div.channel-words', {}, title, h('div.channel-line', {}, pill, sub), chips),
    h('div.channel-side', {}, h('div.facts', {}, viewers.element, uptime.element), h('div.channel-tools', {}, share, stats, log)),
  );
  localize(root);

  const render = () => {
    const { stream } = player;
    root.classList.toggle('off-air', stream === null);
    setText(title, stream?.title || name);
    setText(sub, subline(name, stream));
    show(pill, stream !== null);
    show(viewers.element, stream !== null);
    show(uptime.element, stream !== null);
    setText(viewers.value, formatCount(stream?.viewers?.total ?? 0, i18n.locale));
    setText(uptime.value, formatUptime(Date.now() - Date.parse(stream?.started_at ?? '')));
    const words = stream ? technical(stream) : [];
    if (chips.textContent !== words.join('')) chips.replaceChildren(...words.map((word) => h('li', {}, word)));
  };
  player.on('stream', render);
  player.on('sample', render);
  i18n.on('change', render);
  render();
}

/** The words on the chips: size and rate, codecs, bitrate. */
export function technical(stream) {
  const video = trackOf(stream, 'video');
  const audio = trackOf(stream, 'audio');
  const { health = {} } = stream;
  return [
    video && qualityLabel(video.width, video.height, health.fps ?? video.fps),
    video && codecName(video.codec),
    audio && codecName(audio.codec),
    health.bitrate > 0 && formatBitrate(health.bitrate, i18n.locale),
  ].filter(Boolean);
}

function subline(name, stream) {
  if (stream === null) return t('channel.offline', { name });
  const { software, protocol } = stream.publisher ?? {};
  const via = softwareName(software) || protocol?.toUpperCase();
  return via ? t('channel.via', { name, via }) : name;
}

function fact(iconName, key) {
  const value = h('span');
  const label = h('span.visually-hidden', { 'data-i18n': key });
  return { element: h('span.fact', { hidden: true }, icon(iconName), value, label), value };
}

function toolButton(iconName, key, click) {
  const attributes = { type: 'button', on: { click } };
  return h('button.button', attributes, icon(iconName), h('span', { 'data-i18n': key }));
}
