/** Form fields of the studio: a label, a control, and a value in the settings. */
import { h, icon } from '../lib/dom.js';

let count = 0;

/**
 * A choice.
 * @param {string} labelKey
 * @param {() => {value: string | number, text: string}[]} options read anew by `update`
 * @param {{get: () => string | number, set: (value: string) => void}} value
 */
export function selectField(labelKey, options, { get, set }) {
  const id = `field-${(count += 1)}`;
  const select = h('select.field-control', { id, on: { change: () => set(select.value) } });
  const box = h('div.field-select', {}, select, icon('chevron-down'));
  const element = h('div.field', {}, h('label', { for: id, 'data-i18n': labelKey }), box);
  const update = () => {
    const entries = options();
    select.replaceChildren(...entries.map(({ value, text }) => h('option', { value }, text)));
    select.value = String(get());
    if (select.selectedIndex < 0) select.selectedIndex = 0;
  };
  update();
  return { element, update };
}

/** A line of text; `type` is an input's. */
export function textField(labelKey, { type = 'text', get, set, attributes = {} }) {
  const id = `field-${(count += 1)}`;
  const input = h('input.field-control', { id, type, autocomplete: 'off', spellcheck: 'false', ...attributes });
  input.value = get();
  input.addEventListener('input', () => set(input.value.trim()));
  const element = h('div.field', {}, h('label', { for: id, 'data-i18n': labelKey }), input);
  return { element, input };
}

/** A tick box. */
export function checkField(labelKey, { get, set }) {
  const input = h('input', { type: 'checkbox', on: { change: () => set(input.checked) } });
  input.checked = get();
  const element = h('label.field-check', {}, input, h('span', { 'data-i18n': labelKey }));
  return { element, input };
}
