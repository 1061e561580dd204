/** Light, dark, or as the system has it. boot.js sets the first value before anything is painted. */

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Follow the preference and the system from now on. */
export function followTheme(preferences) {
  const apply = () => {
    const wish = preferences.get('theme');
    const theme = wish === 'system' ? (dark.matches ? 'dark' : 'light') : wish;
    document.documentElement.dataset.theme = theme;
    const { background } = getComputedStyle(document.documentElement);
    const meta = document.querySelector('meta[name=theme-color]');
    meta?.setAttribute('content', getComputedStyle(document.body).backgroundColor || background);
    document.dispatchEvent(new Event('themechange'));
  };
  dark.addEventListener('change', apply);
  preferences.on('change', (key) => key === 'theme' && apply());
  apply();
}
