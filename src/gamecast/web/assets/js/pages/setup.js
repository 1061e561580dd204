/** What every page begins with: preferences, theme, language. */
import { Preferences } from '../lib/preferences.js';
import { i18n } from '../i18n.js';
import { followTheme } from '../theme.js';

/** Prepare the page; returns the viewer's preferences. */
export function setUpPage() {
  const preferences = new Preferences();
  i18n.use(preferences.get('language'));
  followTheme(preferences);
  return preferences;
}

/** The channel's name, which is the last part of the path of a watch or embed page. */
export function channelFromPath(pathname = location.pathname) {
  const part = pathname.split('/').filter(Boolean).at(-1) ?? '';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
