/** The watch page: player, channel, statistics and event log. */
import { h, icon } from '../lib/dom.js';
import { i18n, localize, t } from '../i18n.js';
import { EventLogPanel } from '../panels/eventlog.js';
import { StatsPanel } from '../panels/stats.js';
import { Tabs } from '../panels/tabs.js';
import { listenToKeys } from '../player/keyboard.js';
import { openHelp } from '../ui/help.js';
import { buildTopbar } from '../ui/topbar.js';
import { buildChannelInfo } from '../ui/channelinfo.js';
import { openChannel } from './channel.js';

const panels = {
  stats: () => side.toggle('stats'),
  log: () => side.toggle('log'),
  help: () => openHelp(view.actions),
};

const { preferences, name, log, view, player, live } = openChannel({ panels });
buildTopbar(document.querySelector('.topbar'), preferences);
buildChannelInfo(document.querySelector('#channel'), { name, player, actions: view.actions });
const side = buildSide(document.querySelector('#side'));
listenToKeys(view.actions, () => view.wake());
pageTitle();

function buildSide(element) {
  const stats = new StatsPanel({ player, connection: () => live.state });
  const events = new EventLogPanel(log, () => [
    `Gamecast event log of ${location.href}`,
    `Browser: ${navigator.userAgent}`,
    `Copied: ${new Date().toISOString()}`,
    `Stats: ${JSON.stringify(player.stats())}`,
  ]);
  const tabs = new Tabs(
    [
      { id: 'stats', icon: 'stats', element: stats.element },
      { id: 'log', icon: 'log', element: events.element },
    ],
    (id) => preferences.set('panel', id),
  );
  const close = h(
    'button.icon-button.side-close',
    { type: 'button', 'data-i18n-label': 'panels.close', on: { click: () => open(false) } },
    icon('close'),
  );
  element.append(h('div.side-head', {}, tabs.list, close), tabs.panels);
  localize(element);
  tabs.select(preferences.get('panel'));

  function open(shown) {
    document.body.classList.toggle('side-closed', !shown);
    preferences.set('panelOpen', shown);
  }
  open(preferences.get('panelOpen'));

  return {
    /** Show a panel; when it is already shown, close the side. */
    toggle(id) {
      const closing = preferences.get('panelOpen') && tabs.selected === id;
      open(!closing);
      if (!closing) tabs.select(id);
    },
  };
}

function pageTitle() {
  const update = () => {
    const { stream } = player;
    const title = stream?.title ? `${stream.title} · ${name}` : name;
    document.title = `${stream ? '● ' : ''}${title} – Gamecast`;
    document.querySelector('#player').setAttribute('aria-label', t('player.label', { name }));
  };
  player.on('stream', update);
  i18n.on('change', update);
  update();
}
