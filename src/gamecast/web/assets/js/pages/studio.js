/** The studio: camera, screen or a test picture from this browser to the server, by WHIP. */
import { i18n, t } from '../i18n.js';
import { CaptureError, listDevices, openMicrophone, openSource } from '../studio/capture.js';
import { Form } from '../studio/form.js';
import { Meter } from '../studio/meter.js';
import { Mixer } from '../studio/mixer.js';
import { Publisher } from '../studio/publisher.js';
import { openSettings, wantedPicture } from '../studio/settings.js';
import { Stage } from '../studio/stage.js';
import { PublishPanel } from '../studio/statspanel.js';
import { buildTopbar } from '../ui/topbar.js';
import { setUpPage } from './setup.js';

const preferences = setUpPage();
buildTopbar(document.querySelector('.topbar'), preferences);

const settings = openSettings();
const audioContext = new AudioContext({ latencyHint: 'interactive' });
const mixer = new Mixer(audioContext);
const publisher = new Publisher();
const stats = new PublishPanel();
const form = new Form(settings, () => toggleLive());
const stage = new Stage({ source: chooseSource, live: toggleLive, mute: toggleMute }, new Meter(mixer));

let source = null; // {kind, stream, stop}
let microphone = null; // MediaStream
let muted = false;
let problem = null; // the key of a message, and its values

document.querySelector('#stage').append(stage.element, stats.element);
document.querySelector('#settings').append(form.element);
document.title = `${t('studio.title')} – Gamecast`;
i18n.on('change', () => {
  document.title = `${t('studio.title')} – Gamecast`;
  render();
});
publisher.on('state', ({ error }) => {
  if (error !== null || publisher.state === 'live') say(error && serverProblem(error));
  render();
});
publisher.on('sample', (sample) => stats.push(sample));
settings.on('change', (key) => changed(key));
navigator.mediaDevices?.addEventListener?.('devicechange', refreshDevices);
addEventListener('beforeunload', (event) => {
  if (publisher.state !== 'off') event.preventDefault();
});
setInterval(render, 1000);
refreshDevices();
render();
globalThis.gamecast = { publisher, mixer };

/** Open a source in place of the one there is; on air the viewers follow. */
async function chooseSource(kind) {
  audioContext.resume();
  try {
    const picture = wantedPicture(settings);
    // Some cameras open once only: the old one has to go first.
    if (source?.kind === 'camera' && kind === 'camera') closeSource();
    const opened = await openSource(kind, { picture, camera: settings.get('camera'), audioContext });
    closeSource();
    source = { kind, ...opened };
  } catch (error) {
    captureFailed(error);
    return;
  }
  say(null);
  mixer.connect('source', source.stream);
  source.stream.getVideoTracks()[0]?.addEventListener('ended', () => sourceEnded(kind));
  stage.setSource(kind, source.stream);
  await publish();
  if (kind !== 'test' && microphone === null) await chooseMicrophone();
  refreshDevices();
}

function closeSource() {
  mixer.connect('source', null);
  source?.stop();
  source = null;
  stage.setSource(null, null);
}

/** The streamer pressed the browser's "stop sharing", or pulled the camera's plug. */
function sourceEnded(kind) {
  if (source?.kind !== kind) return;
  closeSource();
  say({ key: 'studio.source-ended' });
}

async function chooseMicrophone() {
  const id = settings.get('microphone');
  const old = microphone;
  microphone = null;
  mixer.connect('microphone', null);
  for (const track of old?.getTracks() ?? []) track.stop();
  if (id !== 'none') {
    try {
      microphone = await openMicrophone(id);
      mixer.connect('microphone', microphone);
    } catch (error) {
      captureFailed(error, 'microphone');
    }
  }
  stage.setMuted(muted, microphone !== null);
}

function toggleMute() {
  muted = !muted;
  mixer.setMuted('microphone', muted);
  stage.setMuted(muted, microphone !== null);
}

async function toggleLive() {
  audioContext.resume();
  if (publisher.state !== 'off') {
    await publisher.stop();
    return;
  }
  const channel = settings.get('channel');
  if (source === null) {
    say({ key: 'studio.no-source' });
    return;
  }
  if (form.key === '' && channel === '') {
    say({ key: 'studio.no-key' });
    form.askForKey();
    return;
  }
  say(null);
  const path = channel ? `/live/${encodeURIComponent(channel)}/whip` : '/whip';
  const [video = null] = source.stream.getVideoTracks();
  const session = { path, key: form.key, codec: settings.get('codec') };
  await publisher.start({ ...session, video, audio: mixer.track, picture: wantedPicture(settings) });
}

/** Send what is chosen now, if we are on air. */
function publish() {
  const video = source?.stream.getVideoTracks()[0] ?? null;
  return publisher.change({ video, picture: wantedPicture(settings) });
}

function changed(key) {
  if (key === 'microphone') chooseMicrophone();
  else if (key === 'camera' && source?.kind === 'camera') chooseSource('camera');
  else if (key === 'size' || key === 'fps') reshape();
  else if (key === 'bitrate') publish();
}

/** Another size or frame rate: a camera or screen can follow, a canvas is made anew. */
async function reshape() {
  const { width, height, fps } = wantedPicture(settings);
  if (source?.kind === 'test') {
    await chooseSource('test');
    return;
  }
  const [track] = source?.stream.getVideoTracks() ?? [];
  const wish = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
  await track?.applyConstraints(wish).catch(() => {}); // what it cannot do the encoder scales
  await publish();
}

async function refreshDevices() {
  form.setDevices(await listDevices());
}

function captureFailed(error, what = 'source') {
  if (!(error instanceof CaptureError)) throw error;
  const key = what === 'microphone' ? 'studio.no-microphone' : `studio.capture-${error.code}`;
  say({ key, values: { detail: error.message } });
}

const REFUSALS = {
  0: 'unreachable',
  401: 'key',
  403: 'key',
  404: 'channel',
  409: 'busy',
  429: 'later',
  503: 'full',
};

function serverProblem({ code, status, detail }) {
  if (status === undefined) return { key: `studio.link-${code === 'unreachable' ? 'blocked' : 'lost'}` };
  const word = REFUSALS[status];
  return word ? { key: `studio.refused-${word}` } : { key: 'studio.refused', values: { detail } };
}

function say(message) {
  problem = message;
  render();
}

function render() {
  stage.render(publisher);
  stage.say('problem', problem && t(problem.key, problem.values));
  stage.setMuted(muted, microphone !== null);
  form.setLocked(publisher.state !== 'off');
}
