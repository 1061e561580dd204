/** What every page begins with: preferences, theme, language, the engines. */
import { Preferences } from '../lib/preferences.js';
import { i18n } from '../i18n.js';
import { flv } from '../player/engines/flv.js';
import { hls } from '../player/engines/hls.js';
import { registerEngine } from '../player/engines/index.js';
import { native } from '../player/engines/native.js';
import { followTheme } from '../theme.js';

/** Prepare the page; returns the viewer's preferences. */
export function setUpPage() {
  const preferences = new Preferences();
  i18n.use(preferences.get('language'));
  followTheme(preferences);
  return preferences;
}

/** Make the engines known; the WebRTC engine joins this list when it exists. */
export function registerEngines() {
  for (const engine of [flv, hls, native]) registerEngine(engine);
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
