/** The keyboard. Keys are for the page, but never taken from somebody who types. */

/** What each key does, for the help dialog too: keys, action, argument, text. */
export const SHORTCUTS = [
  { keys: [' ', 'k'], shown: ['Space', 'K'], action: 'toggle', text: 'key.toggle' },
  { keys: ['m'], shown: ['M'], action: 'mute', text: 'key.mute' },
  { keys: ['ArrowUp'], shown: ['↑'], action: 'volume', argument: 1, text: 'key.louder' },
  { keys: ['ArrowDown'], shown: ['↓'], action: 'volume', argument: -1, text: 'key.quieter' },
  { keys: ['ArrowLeft'], shown: ['←'], action: 'seek', argument: -5, text: 'key.back' },
  { keys: ['ArrowRight'], shown: ['→'], action: 'seek', argument: 5, text: 'key.forward' },
  { keys: ['l', '0', 'End'], shown: ['L', '0', 'End'], action: 'live', text: 'key.live' },
  { keys: ['f'], shown: ['F'], action: 'fullscreen', text: 'key.fullscreen' },
  { keys: ['w'], shown: ['W'], action: 'webFullscreen', text: 'key.web' },
  { keys: ['t'], shown: ['T'], action: 'theatre', text: 'key.theatre' },
  { keys: ['i'], shown: ['I'], action: 'pip', text: 'key.pip' },
  { keys: ['s'], shown: ['S'], action: 'stats', text: 'key.stats' },
  { keys: ['e'], shown: ['E'], action: 'log', text: 'key.log' },
  { keys: ['?'], shown: ['?'], action: 'help', text: 'key.help' },
  { keys: ['Escape'], shown: ['Esc'], action: 'leave', text: 'key.leave' },
];

const byKey = new Map(SHORTCUTS.flatMap((entry) => entry.keys.map((key) => [key, entry])));

/** Input types that take no text; letters pressed on them are still shortcuts. */
const TEXTLESS = ['range', 'checkbox', 'radio', 'button'];

/**
 * The shortcut a key press means, or `null`. Pure, but for reading the element the key went to.
 * @param {{key: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean, target: Element}} event
 */
export function shortcutFor({ key, ctrlKey, altKey, metaKey, target }) {
  if (ctrlKey || altKey || metaKey) return null;
  const entry = byKey.get(key.length === 1 ? key.toLowerCase() : key) ?? null;
  return entry !== null && !belongsTo(target, key) ? entry : null;
}

/** Whether the element has its own use for the key. */
function belongsTo(target, key) {
  if (!(target instanceof Element)) return false;
  if (target.isContentEditable || target.matches('textarea, select')) return true;
  if (target.matches('input') && !TEXTLESS.includes(target.type)) return true;
  if (target.matches('input[type=range]') && key.startsWith('Arrow')) return true;
  if (target.closest('dialog, [role=menu], [role=tablist]')) return key !== 'Escape' || !target.closest('.player');
  return key === ' ' && target.closest('button, a[href], summary') !== null;
}

/**
 * Listen on the document and call actions. An action that is missing (an embedded player has no
 * panels) leaves its key to the browser.
 */
export function listenToKeys(actions, onKey = () => {}) {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented) return;
    const entry = shortcutFor(event);
    const action = entry && actions[entry.action];
    if (!action || (event.repeat && !['volume', 'seek'].includes(entry.action))) return;
    event.preventDefault();
    action(entry.argument);
    onKey(entry);
  });
}
