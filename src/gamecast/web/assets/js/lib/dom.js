/** A small element builder: everything on the pages is made by it or is in the HTML files. */

import { ICONS } from './icons.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Build an element.
 * @param {string} tag a tag name, with optional classes: `button.icon-button`
 * @param {object} [attributes] attributes; `on` holds event listeners by name, `true` sets an empty
 *   attribute, `false`, `null` and `undefined` leave it out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name);
  if (classes.length > 0) element.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'on') {
      for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    } else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value);
    }
  }
  element.append(...children.filter((child) => child || child === 0 || child === ''));
  return element;
}

/** An inline icon of icons.js; decoration only, the control around it carries the name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  svg.classList.add('icon');
  setIcon(svg, name);
  return svg;
}

/** Change which icon an element made by `icon` shows. */
export function setIcon(svg, name) {
  if (svg.dataset.icon === name) return;
  if (!(name in ICONS)) throw new TypeError(`no icon ${name}`);
  svg.dataset.icon = name;
  svg.replaceChildren(
    ...ICONS[name].map((part) => {
      const { tag = 'path', ...attributes } = typeof part === 'string' ? { d: part } : part;
      const shape = document.createElementNS(SVG, tag);
      for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
      return shape;
    }),
  );
}

/** Set text only when it differs, so that screen readers and layout are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show or hide by the `hidden` attribute. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Put text on the clipboard; falls back to a selection where the page has no secure context. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h('textarea', { class: 'visually-hidden', readonly: true });
    area.value = text;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
