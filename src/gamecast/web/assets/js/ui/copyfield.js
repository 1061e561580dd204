/** A line of text with a button that copies it. */
import { copyText, h, icon, setIcon } from '../lib/dom.js';
import { localize, setTip } from '../i18n.js';

/** How long the tick stays (ms). */
const SHOWN = 1600;

/**
 * @param {string | null} labelKey what the line is, `null` for none
 * @param {string} value
 * @returns {HTMLElement}
 */
export function copyField(labelKey, value) {
  const field = h('code.copy-value', { tabindex: '0' }, value);
  const button = h('button.icon-button', { type: 'button', 'data-i18n-tip': 'copy' }, icon('copy'));
  button.addEventListener('click', async () => {
    const done = await copyText(value);
    setIcon(button.firstChild, done ? 'check' : 'close');
    setTip(button, done ? 'copied' : 'copy-failed');
    setTimeout(() => {
      setIcon(button.firstChild, 'copy');
      setTip(button, 'copy');
    }, SHOWN);
  });
  const label = labelKey && h('span.copy-label', { 'data-i18n': labelKey });
  const element = h('div.copy-field', {}, label, h('div.copy-line', {}, field, button));
  localize(element);
  return element;
}
