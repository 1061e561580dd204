/** The keyboard help. */
import { h } from '../lib/dom.js';
import { t } from '../i18n.js';
import { SHORTCUTS } from '../player/keyboard.js';
import { openDialog } from './dialog.js';

/** Show the shortcuts of the actions that exist on this page. */
export function openHelp(actions) {
  openDialog('help.title', () => [shortcutList(actions)]);
}

function shortcutList(actions) {
  const list = h('dl.shortcuts');
  for (const { shown, action, text } of SHORTCUTS) {
    if (!actions[action]) continue;
    const keys = shown.map((key) => h('kbd', {}, key));
    list.append(h('div', {}, h('dt', {}, t(text)), h('dd', {}, ...keys)));
  }
  return list;
}
