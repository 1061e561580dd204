/** Sharing: the page, an embedded player, and addresses for other players. */
import { h } from '../lib/dom.js';
import { t } from '../i18n.js';
import { copyField } from './copyfield.js';
import { openDialog } from './dialog.js';

export function openShare(name) {
  const { origin, hostname } = location;
  const path = encodeURIComponent(name);
  const frame = `<iframe src="${origin}/embed/${path}" width="960" height="540" allow="autoplay; fullscreen; picture-in-picture" allowfullscreen></iframe>`;
  openDialog('share.title', () => [
    copyField('share.page', `${origin}/${path}`),
    copyField('share.embed', frame),
    h('h3', {}, t('share.players')),
    h('p.hint', {}, t('share.players-text')),
    copyField('share.hls', `${origin}/live/${path}/index.m3u8`),
    copyField('share.flv', `${origin}/live/${path}.flv`),
    copyField('share.rtmp', `rtmp://${hostname}/live/${path}`),
  ]);
}
