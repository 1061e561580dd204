/** Modal dialogs on the native element: focus is kept inside and comes back; Escape and a click
 * beside the box close. */
import { h, icon } from '../lib/dom.js';
import { i18n, localize } from '../i18n.js';

/**
 * Show a dialog.
 * @param {string} titleKey
 * @param {() => Node[]} content made anew when the language changes
 * @param {string} [kind] a class for its width
 */
export function openDialog(titleKey, content, kind = '') {
  const close = h(
    'button.icon-button',
    { type: 'button', 'data-i18n-label': 'close', on: { click: () => dialog.close() } },
    icon('close'),
  );
  const title = h('h2', { id: 'dialog-title', 'data-i18n': titleKey });
  const body = h('div.dialog-body', {}, ...content());
  const box = h('div.dialog-box', {}, h('header', {}, title, close), body);
  const dialog = h('dialog', { class: kind, 'aria-labelledby': 'dialog-title' }, box);
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close());
  const off = i18n.on('change', () => {
    body.replaceChildren(...content());
    localize(dialog);
  });
  dialog.addEventListener('close', () => {
    off();
    dialog.remove();
  });
  (document.fullscreenElement ?? document.body).append(dialog);
  localize(dialog);
  dialog.showModal();
  return dialog;
}
