/**
 * Languages: which one, and texts by key.
 *
 * Markup carries keys, not text: `data-i18n` for text, `data-i18n-tip` for a control's name and
 * tooltip (with `data-key`, the keyboard shortcut), `data-i18n-label` for an aria-label only.
 * `localize` fills them in and fills them in again when the language changes.
 */
import { Emitter } from './lib/emitter.js';
import { en } from './locales/en.js';
import { zhCN } from './locales/zh-CN.js';

/** Every language: its tag, its own name, its texts. */
export const LANGUAGES = [
  { tag: 'en', name: 'English', texts: en },
  { tag: 'zh-CN', name: '简体中文', texts: zhCN },
];

/** The tag of our language that serves best, by the wishes in order; English when none does. */
export function bestLanguage(wishes) {
  for (const wish of wishes) {
    const lower = String(wish).toLowerCase();
    const exact = LANGUAGES.find(({ tag }) => tag.toLowerCase() === lower);
    if (exact) return exact.tag;
    const base = lower.split('-')[0];
    const near = LANGUAGES.find(({ tag }) => tag.toLowerCase().split('-')[0] === base);
    if (near) return near.tag;
  }
  return 'en';
}

class I18n extends Emitter {
  #language = LANGUAGES[0];

  /** BCP 47 tag, also for `Intl`. */
  get locale() {
    return this.#language.tag;
  }

  /**
   * Choose the language: what the viewer chose, else what the browser asks for (the server wrote
   * `<html lang>` from the same Accept-Language).
   * @param {string} chosen a tag or `auto`
   */
  use(chosen) {
    const wishes = chosen === 'auto' ? [...navigator.languages, document.documentElement.lang] : [chosen];
    const tag = bestLanguage(wishes);
    this.#language = LANGUAGES.find((language) => language.tag === tag);
    document.documentElement.lang = tag;
    localize(document.documentElement);
    document.documentElement.removeAttribute('data-loading');
    this.emit('change', tag);
  }

  /**
   * The text of a key. `{name}` is filled from `values`; a key with forms (`{one, other}`) is chosen
   * by `values.count` and the language's plural rules.
   */
  text(key, values = {}) {
    const entry = this.#language.texts[key] ?? en[key];
    if (entry === undefined) return key;
    const form =
      typeof entry === 'string'
        ? entry
        : (entry[new Intl.PluralRules(this.locale).select(values.count)] ?? entry.other);
    return form.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }
}

export const i18n = new I18n();

/** Short for `i18n.text`. */
export const t = (key, values) => i18n.text(key, values);

/** Fill in all texts below (and at) an element. */
export function localize(root) {
  for (const element of withData(root, 'i18n')) element.textContent = t(element.dataset.i18n);
  for (const element of withData(root, 'i18n-label')) {
    element.setAttribute('aria-label', t(element.dataset.i18nLabel));
  }
  for (const element of withData(root, 'i18n-tip')) {
    const text = t(element.dataset.i18nTip);
    const { key } = element.dataset;
    element.setAttribute('aria-label', text);
    element.dataset.tip = key ? `${text} (${key})` : text;
  }
}

/** Change the key of a control's name and tooltip. */
export function setTip(element, key) {
  if (element.dataset.i18nTip === key) return;
  element.dataset.i18nTip = key;
  localize(element);
}

function* withData(root, name) {
  const selector = `[data-${name}]`;
  if (root.matches(selector)) yield root;
  yield* root.querySelectorAll(selector);
}
