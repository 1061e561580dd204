/** A coloured disc with the first letter of a name; the same name always has the same colour. */
import { h } from '../lib/dom.js';

const HUES = 12;

/** A small stable number from text (FNV-1a). */
function hash(text) {
  let value = 0x811c9dc5;
  for (const character of text) {
    value = Math.imul(value ^ character.codePointAt(0), 0x01000193);
  }
  return value >>> 0;
}

export function avatar(name) {
  const element = h('span.avatar', { 'aria-hidden': 'true' }, [...name][0]?.toUpperCase() ?? '?');
  element.style.setProperty('--hue', String((hash(name) % HUES) * (360 / HUES)));
  return element;
}
