/**
 * The icons, drawn for this project on a 24-unit grid with 1.75-unit round strokes (css/base.css).
 * A string is a stroked path; an object is any shape with its attributes. `class: 'fill'` fills it.
 */
const fill = (d) => ({ d, class: 'fill' });
const circle = (cx, cy, r, extra = {}) => ({ tag: 'circle', cx, cy, r, ...extra });
const rect = (x, y, width, height, rx, extra = {}) => ({ tag: 'rect', x, y, width, height, rx, ...extra });

const SPEAKER = fill('M4 9.6h3.2L11.6 6c.6-.5 1.4-.1 1.4.7v10.6c0 .8-.8 1.2-1.4.7L7.2 14.4H4a1 1 0 0 1-1-1v-2.8a1 1 0 0 1 1-1z');

export const ICONS = {
  play: [fill('M7 5.3c0-1 1.1-1.6 1.9-1.1l10.6 6.7c.8.5.8 1.7 0 2.2L8.9 19.8C8.1 20.3 7 19.7 7 18.7z')],
  pause: [rect(6, 4.5, 4.2, 15, 1.2, { class: 'fill' }), rect(13.8, 4.5, 4.2, 15, 1.2, { class: 'fill' })],
  volume: [SPEAKER, 'M16.2 9a4.2 4.2 0 0 1 0 6', 'M18.7 6.5a7.8 7.8 0 0 1 0 11'],
  'volume-low': [SPEAKER, 'M16.2 9a4.2 4.2 0 0 1 0 6'],
  muted: [SPEAKER, 'M16.5 9.5l5 5', 'M21.5 9.5l-5 5'],
  settings: ['M4 7h9', 'M19 7h1', 'M4 17h1', 'M11 17h9', circle(16, 7, 2.5), circle(8, 17, 2.5)],
  pip: [rect(3, 5, 18, 14, 2.5), rect(11.5, 11.5, 6.8, 5, 1, { class: 'fill' })],
  theatre: [rect(2.5, 6.5, 19, 11, 2.5)],
  'theatre-exit': [rect(2.5, 5, 12.5, 14, 2.5), 'M18.5 7v10', 'M21.5 7v10'],
  'web-fullscreen': [rect(3, 4.5, 18, 15, 2.5), 'M7 12V8.5h3.5', 'M17 12v3.5h-3.5'],
  'web-fullscreen-exit': [rect(3, 4.5, 18, 15, 2.5), 'M10.5 8v3.5H7', 'M13.5 16v-3.5H17'],
  fullscreen: ['M4 9V5.5C4 4.7 4.7 4 5.5 4H9', 'M15 4h3.5c.8 0 1.5.7 1.5 1.5V9', 'M20 15v3.5c0 .8-.7 1.5-1.5 1.5H15', 'M9 20H5.5C4.7 20 4 19.3 4 18.5V15'],
  'fullscreen-exit': ['M9 4v3.5C9 8.3 8.3 9 7.5 9H4', 'M20 9h-3.5C15.7 9 15 8.3 15 7.5V4', 'M15 20v-3.5c0-.8.7-1.5 1.5-1.5H20', 'M4 15h3.5c.8 0 1.5.7 1.5 1.5V20'],
  stats: ['M4 20V11.5', 'M9.3 20V5', 'M14.7 20v-6.5', 'M20 20V8.5'],
  log: ['M9 6.5h11', 'M9 12h11', 'M9 17.5h11', circle(4.5, 6.5, 1, { class: 'fill' }), circle(4.5, 12, 1, { class: 'fill' }), circle(4.5, 17.5, 1, { class: 'fill' })],
  share: ['M12 15V4', 'M8 7.5L12 3.5l4 4', 'M5 12.5v5c0 1.4 1.1 2.5 2.5 2.5h9c1.4 0 2.5-1.1 2.5-2.5v-5'],
  copy: [rect(8.5, 8.5, 12, 12, 2.5), 'M15.5 5.5v-.2c0-1-.8-1.8-1.8-1.8H5.3c-1 0-1.8.8-1.8 1.8v8.4c0 1 .8 1.8 1.8 1.8h.2'],
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  keyboard: [rect(2.5, 6, 19, 12, 2.5), 'M6.5 10h.01', 'M10.2 10h.01', 'M13.9 10h.01', 'M17.5 10h.01', 'M8 14h8'],
  globe: [circle(12, 12, 8.5), 'M3.5 12h17', 'M12 3.5c5 5 5 12 0 17', 'M12 3.5c-5 5-5 12 0 17'],
  sun: [circle(12, 12, 4), 'M12 2.5v2', 'M12 19.5v2', 'M2.5 12h2', 'M19.5 12h2', 'M5.3 5.3l1.4 1.4', 'M17.3 17.3l1.4 1.4', 'M5.3 18.7l1.4-1.4', 'M17.3 6.7l1.4-1.4'],
  moon: ['M20 13.8A8.3 8.3 0 1 1 10.2 4a6.7 6.7 0 0 0 9.8 9.8z'],
  system: [rect(3, 4.5, 18, 12, 2.5), 'M8.5 20.5h7', 'M12 16.5v4'],
  viewers: [circle(9, 8.2, 3.4), 'M2.8 19c.5-3.5 3-5.6 6.2-5.6s5.7 2.1 6.2 5.6', 'M15.8 5.2a3.2 3.2 0 0 1 0 6', 'M17.6 13.9c2 .7 3.3 2.5 3.6 5.1'],
  clock: [circle(12, 12, 8.5), 'M12 7.5V12l3 2'],
  broadcast: [circle(12, 12, 2, { class: 'fill' }), 'M8.2 15.8a5.4 5.4 0 0 1 0-7.6', 'M15.8 8.2a5.4 5.4 0 0 1 0 7.6', 'M5.3 18.7a9.5 9.5 0 0 1 0-13.4', 'M18.7 5.3a9.5 9.5 0 0 1 0 13.4'],
  'chevron-right': ['M9.5 6l6 6-6 6'],
  'chevron-left': ['M14.5 6l-6 6 6 6'],
  'chevron-down': ['M6 9.5l6 6 6-6'],
  refresh: ['M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.4', 'M20 4.5v4.9h-4.9'],
  warning: ['M12 4.5L21 19.5H3z', 'M12 10.5v4', 'M12 17h.01'],
  audio: ['M9 18V6.5L19 4.5V16', circle(6.5, 18, 2.5), circle(16.5, 16, 2.5)],
  external: ['M13.5 4.5h6v6', 'M19.5 4.5l-8.5 8.5', 'M10 5.5H6.5A2 2 0 0 0 4.5 7.5v10a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V14'],
  camera: [rect(2.5, 6.5, 13, 11, 2.5), 'M15.5 10.8l6-3.3v9l-6-3.3'],
  screen: [rect(3, 4.5, 18, 12, 2.5), 'M8.5 20.5h7', 'M12 13.5V8', 'M9.5 10L12 7.5l2.5 2.5'],
  pattern: [rect(3, 4.5, 18, 15, 2.5), 'M9 4.5v15', 'M15 4.5v15', 'M3 14.5h18'],
  mic: [rect(9, 3, 6, 11, 3), 'M5.5 11.5a6.5 6.5 0 0 0 13 0', 'M12 18v3'],
  'mic-off': [rect(9, 3, 6, 11, 3), 'M5.5 11.5a6.5 6.5 0 0 0 13 0', 'M12 18v3', 'M4 3.5l16 17'],
  stop: [rect(6, 6, 12, 12, 2, { class: 'fill' })],
  terminal: [rect(3, 4.5, 18, 15, 2.5), 'M7 9.5l3 2.5-3 2.5', 'M12.5 15H17'],
};
