/** The bar at the top of every full page: home, how to go live, language, theme. */
import { h, icon, setIcon } from '../lib/dom.js';
import { LANGUAGES, i18n, localize, setTip } from '../i18n.js';
import { openGoLive } from './golive.js';

const THEMES = ['system', 'light', 'dark'];
const THEME_ICONS = { system: 'system', light: 'sun', dark: 'moon' };

/**
 * Fill the `header.topbar` of a page.
 * @param {HTMLElement} header
 * @param {import('../lib/preferences.js').Preferences} preferences
 */
export function buildTopbar(header, preferences) {
  const goLive = h(
    'button.button.accent',
    { type: 'button', on: { click: openGoLive } },
    icon('broadcast'),
    h('span', { 'data-i18n': 'topbar.go-live' }),
  );
  const tools = h('div.topbar-tools', {}, goLive, languageMenu(preferences), themeButton(preferences));
  header.append(tools);
  localize(header);
}

function languageMenu(preferences) {
  const select = h(
    'select.language-select',
    { 'data-i18n-label': 'topbar.language' },
    ...LANGUAGES.map(({ tag, name }) => h('option', { value: tag, lang: tag }, name)),
  );
  select.addEventListener('change', () => {
    preferences.set('language', select.value);
    i18n.use(select.value);
  });
  const update = () => {
    select.value = i18n.locale;
  };
  i18n.on('change', update);
  update();
  return h('label.language', {}, icon('globe'), select, icon('chevron-down'));
}

function themeButton(preferences) {
  const button = h('button.icon-button', { type: 'button', 'data-tip-below': true }, icon('system'));
  const update = () => {
    const theme = preferences.get('theme');
    setIcon(button.firstChild, THEME_ICONS[theme]);
    setTip(button, `theme.${theme}`);
  };
  button.addEventListener('click', () => {
    const next = (THEMES.indexOf(preferences.get('theme')) + 1) % THEMES.length;
    preferences.set('theme', THEMES[next]);
    update();
  });
  update();
  return button;
}
