/*
 * The only script that runs before the first paint: puts the remembered theme on the page, so that it
 * never flashes in the wrong colours, and hides untranslated text until i18n.js has filled it in.
 */
(() => {
  const root = document.documentElement;
  let theme = 'system';
  try {
    theme = JSON.parse(localStorage.getItem('gamecast') ?? '{}').theme ?? theme;
  } catch {
    // A private window or an edited store: the system's theme will do.
  }
  if (theme !== 'light' && theme !== 'dark') {
    theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  }
  root.dataset.theme = theme;
  root.dataset.loading = '';
})();
