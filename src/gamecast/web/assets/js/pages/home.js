/** The home page: what is on air now, or how to be the first. */
import { ServerClock } from '../lib/clock.js';
import { setText, show } from '../lib/dom.js';
import { formatCount } from '../lib/format.js';
import { i18n, t } from '../i18n.js';
import { fetchStreams, LiveEvents } from '../live.js';
import { StreamCard } from '../ui/card.js';
import { goLiveSteps } from '../ui/golive.js';
import { buildTopbar } from '../ui/topbar.js';
import { setUpPage } from './setup.js';

const preferences = setUpPage();
buildTopbar(document.querySelector('.topbar'), preferences);

const clock = new ServerClock();
const cards = new Map();
const grid = document.querySelector('#grid');
const summary = document.querySelector('#summary');
const empty = document.querySelector('#empty');
const connection = document.querySelector('#connection');
let streams = null;

const live = new LiveEvents('/api/v1/live', ['streams'], async () => ({
  name: 'streams',
  data: { now: null, items: await fetchStreams() },
}));
live.on('data', ({ data }) => {
  if (data.now) clock.sample(data.now);
  streams = data.items ?? [];
  render();
});
live.on('connection', (state) => show(connection, state === 'waiting'));
i18n.on('change', render);
live.start();

setInterval(() => {
  for (const card of cards.values()) card.tick(clock.now());
}, 1000);

function render() {
  if (streams === null) return;
  document.body.classList.remove('pending');
  const sorted = [...streams].sort((a, b) => total(b) - total(a) || a.name.localeCompare(b.name));
  const names = new Set(sorted.map(({ name }) => name));
  for (const [name, card] of cards) {
    if (names.has(name)) continue;
    card.destroy();
    cards.delete(name);
  }
  sorted.forEach((stream, index) => place(stream, index));
  show(grid, sorted.length > 0);
  show(empty, sorted.length === 0);
  if (sorted.length === 0) renderEmpty();
  const watching = sorted.reduce((sum, stream) => sum + total(stream), 0);
  setText(summary, sorted.length === 0 ? '' : summaryText(sorted.length, watching));
  document.title = sorted.length > 0 ? `(${sorted.length}) Gamecast` : 'Gamecast';
}

function place(stream, index) {
  const { name } = stream;
  if (!cards.has(name)) cards.set(name, new StreamCard(stream));
  const card = cards.get(name);
  card.update(stream, clock.now());
  if (grid.children[index] !== card.element) grid.insertBefore(card.element, grid.children[index] ?? null);
}

function renderEmpty() {
  const body = empty.querySelector('.empty-steps');
  if (body.dataset.locale === i18n.locale) return;
  body.dataset.locale = i18n.locale;
  body.replaceChildren(...goLiveSteps());
}

function summaryText(count, watching) {
  const streamsText = t('home.streams', { count });
  const viewersText = t('home.viewers', { count: watching, shown: formatCount(watching, i18n.locale) });
  return `${streamsText} · ${viewersText}`;
}

function total(stream) {
  return stream.viewers?.total ?? 0;
}
