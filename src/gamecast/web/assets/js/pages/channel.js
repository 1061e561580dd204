/** Player and live news of one channel: what the watch page and the embedded player share. */
import { ServerClock, probeRoundTrip } from '../lib/clock.js';
import { EventLog } from '../lib/eventlog.js';
import { fetchStreams, LiveEvents } from '../live.js';
import { flv } from '../player/engines/flv.js';
import { hls } from '../player/engines/hls.js';
import { registerEngine } from '../player/engines/index.js';
import { native } from '../player/engines/native.js';
import { whep } from '../player/engines/whep.js';
import { PlayerView } from '../player/view.js';
import { channelFromPath, setUpPage } from './setup.js';

for (const engine of [whep, flv, hls, native]) registerEngine(engine);

/**
 * @param {{startMuted?: boolean, paused?: boolean, panels?: object}} [options] `paused` waits for the
 *   viewer to press play; `panels` are actions of the page for keys and menu
 */
export function openChannel({ startMuted = false, paused = false, panels = {} } = {}) {
  const preferences = setUpPage();
  const name = channelFromPath();
  const log = new EventLog();
  const clock = new ServerClock();
  const parts = { name, clock, log: log.add.bind(log), preferences, startMuted, panels };
  const view = new PlayerView(document.querySelector('#player'), parts);
  const live = openLive(name, clock, log, view.player);
  mediaSession(name, view);
  if (paused) holdBack(view.player);
  globalThis.gamecast = Object.assign(globalThis.gamecast ?? {}, { player: view.player, log });
  live.start();
  probeRoundTrip(clock);
  return { preferences, name, log, clock, view, player: view.player, live };
}

function openLive(name, clock, log, player) {
  const url = `/api/v1/streams/${encodeURIComponent(name)}/live`;
  const live = new LiveEvents(url, ['stream', 'notice'], async () => {
    const streams = await fetchStreams();
    const stream = streams.find((candidate) => candidate.name === name) ?? null;
    return { name: 'stream', data: { now: null, stream } };
  });
  live.on('connection', (state) => log.add(state === 'open' ? 'info' : 'warning', `live-${state}`));
  live.on('data', ({ name: event, data }) => {
    if (event === 'notice') {
      log.add(data.code === 'publisher_lost' ? 'warning' : 'info', `notice-${data.code}`);
      player.notice(data.code);
      return;
    }
    if (data.now) clock.sample(data.now);
    player.setStream(data.stream ?? null);
  });
  return live;
}

/** Wait for the viewer before the first connection is made. */
function holdBack(player) {
  const off = player.on('state', ({ state }) => {
    if (state !== 'connecting') return;
    off();
    player.pause();
  });
}

/** Titles and buttons for lock screens, headsets and media keys. */
function mediaSession(name, { player, actions }) {
  const { mediaSession: session } = navigator;
  if (!session) return;
  player.on('stream', (stream) => {
    const title = stream?.title || name;
    if (session.metadata?.title !== title) {
      session.metadata = new MediaMetadata({ title, artist: name, album: 'Gamecast' });
    }
  });
  session.setActionHandler('play', () => actions.play());
  session.setActionHandler('pause', () => player.pause());
}
