/** How to go live: the same words in the empty home page and in the dialog of the top bar. */
import { h, icon } from '../lib/dom.js';
import { t } from '../i18n.js';
import { copyField } from './copyfield.js';
import { openDialog } from './dialog.js';

/** Where encoders send to: the host of this page, RTMP's usual port (nothing to write then). */
const ingest = () => `rtmp://${location.hostname || 'localhost'}/live`;

/** The steps, as elements. */
export function goLiveSteps() {
  return [
    h('p.lead', {}, t('golive.lead')),
    h(
      'div.ways',
      {},
      way('camera', 'golive.browser', 'golive.browser-text', [
        h('a.button.accent', { href: '/studio' }, icon('broadcast'), t('golive.studio')),
      ]),
      way('broadcast', 'golive.obs', 'golive.obs-text', [
        copyField('golive.server', ingest()),
        copyField('golive.key', 'gamecast key create main'),
      ]),
      way('terminal', 'golive.cli', 'golive.cli-text', [
        copyField('golive.screen', `gamecast push --screen ${ingest()}/KEY`),
        copyField('golive.test', `gamecast push --test ${ingest()}/KEY`),
      ]),
    ),
    h('p.hint', {}, t('golive.hint')),
  ];
}

export function openGoLive() {
  openDialog('golive.title', goLiveSteps, 'wide');
}

function way(iconName, titleKey, textKey, fields) {
  const title = h('h3', {}, icon(iconName), t(titleKey));
  return h('section.way', {}, title, h('p', {}, t(textKey)), ...fields);
}
