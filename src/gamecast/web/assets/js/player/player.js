/**
 * The player without its looks: brings together the state machine, the connector and the viewer's
 * wishes. `docs/player.md` describes what it offers to other scripts.
 *
 * Events: `state` {state, previous, reason}, `engine` id or null, `stream` Stream or null, `retry`
 * {seconds}, `seek`, `sample` the object of `stats()`, once a second.
 */
import { Emitter } from '../lib/emitter.js';
import { Connector } from './connector.js';
import { trackOf, trackSignature } from './codecs.js';
import { engineById } from './engines/index.js';
import { Metrics } from './metrics.js';
import { StateMachine } from './state.js';

/** A player that stands still this long (ms) lets its connection go and joins anew on play. */
const PAUSE_KEEPS = 20_000;

/** Good play after which earlier failures are forgotten (ms). */
const GOOD_PLAY = 10_000;

/** At the end of a stream what is buffered is played out, for at most this long (s). */
const PLAY_OUT = 4;

/** Behind the engine's target by more than this (s), the badge is grey and "play" goes to the edge. */
const BEHIND = 2.5;

const NOTHING_MEASURED = {
  fps: null,
  bitrate: null,
  framesDecoded: null,
  framesDropped: null,
  buffer: null,
};

export class Player extends Emitter {
  #name;
  #clock;
  #preferences;
  #sound;
  #log;
  #machine = new StateMachine((...change) => this.#changed(...change));
  #metrics;
  #connector;
  #stream = null;
  #publisherLost = false;
  #configChanged = false;
  #timers = {};

  /** @param {object} parts `{video, name, clock, preferences, sound, freeze, log}` */
  constructor({ video, name, clock, preferences, sound, freeze, log }) {
    super();
    this.video = video;
    this.#name = name;
    this.#clock = clock;
    this.#preferences = preferences;
    this.#sound = sound;
    this.#log = log;
    this.#metrics = new Metrics(video);
    this.#metrics.watch();
    const url = (suffix) => `/live/${encodeURIComponent(name)}${suffix}`;
    this.#connector = new Connector({ video, url, clock, log }, freeze, this.#callbacks());
    this.#timers.sample = setInterval(() => this.#sample(), 1000);
    this.#listen();
  }

  /** One of the names in state.js. */
  get state() {
    return this.#machine.state;
  }

  /** Why it is in that state: a short code, or `null`. */
  get reason() {
    return this.#machine.reason;
  }

  /** Id of the engine in use (`flv`, `hls`, ...), or `null`. */
  get engine() {
    return this.#session?.id ?? null;
  }

  /** Ids of the engines that could play this stream here, best first, and why not the others. */
  get protocols() {
    return { usable: this.#connector.usable, refused: { ...this.#connector.refused } };
  }

  get stream() {
    return this.#stream;
  }

  /** Whether the picture is at the live edge, or on its way there by itself. */
  get live() {
    if (this.#session === null || !this.#session.following) return false;
    return (this.#session.drift() ?? 0) < BEHIND;
  }

  /** Seconds from the server's receipt of a frame to its being on the screen, or `null`. */
  latency() {
    return this.#session?.engine.latency() ?? null;
  }

  /** Everything measured, in base units (seconds, bits per second, frames); `null` is "not known". */
  stats() {
    const engine = this.#session?.engine ?? null;
    return {
      state: this.state,
      engine: this.engine,
      protocol: engineById(this.engine)?.label ?? null,
      width: this.video.videoWidth || null,
      height: this.video.videoHeight || null,
      ...(engine ? this.#metrics.read() : NOTHING_MEASURED),
      ...this.#detailed(engine),
      bytes: engine?.bytes() ?? null,
      latency: this.latency(),
      distance: engine?.distance() ?? null,
      target: engine?.target() ?? null,
      rate: engine ? this.video.playbackRate : null,
      live: this.live,
      video: trackOf(this.#stream, 'video')?.codec_string ?? null,
      audio: trackOf(this.#stream, 'audio')?.codec_string ?? null,
      viewers: this.#stream?.viewers?.total ?? null,
      clockOffset: this.#clock.offset / 1000,
      roundTrip: this.#clock.roundTrip === null ? null : this.#clock.roundTrip / 1000,
    };
  }

  #detailed(engine) {
    const details = engine?.details?.() ?? null;
    return details === null ? { details } : { details, buffer: details.jitterBuffer ?? null };
  }

  /** The server's word on the stream: its description, or `null` when nobody publishes. */
  setStream(stream) {
    const before = this.#stream;
    this.#stream = stream;
    if (stream === null) this.#end();
    else {
      this.#arrived(stream, before);
      this.#setPublisherLost(stream.publisher?.connected === false);
    }
    this.emit('stream', stream);
  }

  /** The server's word on the publisher: `publisher_lost`, `publisher_back`, ... */
  notice(code) {
    if (code === 'publisher_lost') this.#setPublisherLost(true);
    if (code === 'publisher_back') this.#setPublisherLost(false);
    if (code === 'config_changed') this.#configChanged = true; // the new description follows at once
  }

  play() {
    if (this.#machine.is('offline', 'idle')) return;
    if (this.#machine.is('error')) {
      this.retry();
      return;
    }
    if (!this.#machine.send('resume')) return;
    if (this.#session === null) {
      this.#connector.open();
      return;
    }
    if ((this.#session.drift() ?? 0) > BEHIND) this.jumpToLive();
    this.#startPlayback();
  }

  pause() {
    if (!this.#machine.send('pause')) return;
    this.video.pause();
  }

  toggle() {
    if (this.#machine.is('paused', 'blocked', 'error')) this.play();
    else this.pause();
  }

  /** Begin again from the first engine. */
  retry() {
    if (this.#stream === null) return;
    this.#connector.plan(this.#stream, this.#preferences.get('protocol'));
    this.#machine.send('start');
    this.#connector.open();
  }

  jumpToLive() {
    if (this.#session === null) return;
    this.#session.following = true;
    this.#session.jump();
    this.emit('seek');
  }

  /** Move within what is buffered; reaching the edge means following it again. */
  seekBy(delta) {
    const { buffered, currentTime } = this.video;
    const edge = this.#session?.engine.edge() ?? null;
    if (edge === null || buffered.length === 0) return;
    const wanted = currentTime + delta;
    if (wanted >= edge) {
      this.jumpToLive();
      return;
    }
    this.#session.following = false;
    this.video.playbackRate = 1;
    this.video.currentTime = Math.max(wanted, buffered.start(0) + 0.1);
    this.emit('seek');
  }

  /** Use this engine, or `auto`; remembered. */
  setProtocol(id) {
    this.#preferences.set('protocol', id);
    this.#log('info', 'protocol-chosen', { protocol: id });
    if (!this.#machine.is('idle', 'offline')) this.retry();
  }

  /** `[{id, width, height, fps, bitrate}]` of the engine in use, and which one plays. */
  qualities() {
    const engine = this.#session?.engine;
    return { items: engine?.qualities() ?? [], current: engine?.quality() ?? 'auto' };
  }

  setQuality(id) {
    this.#session?.engine.setQuality(id);
  }

  /** Stop everything for good. */
  destroy() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#connector.close();
    this.#metrics.stop();
  }

  get #session() {
    return this.#connector.session;
  }

  #callbacks() {
    return {
      onOpening: (id) => {
        this.#metrics.restart();
        this.#log('info', 'engine-opening', { engine: id });
      },
      onReady: () => this.#ready(),
      onPlaying: () => this.#machine.send('playing'),
      onStalled: () => this.#stalled(),
      onLost: (reason, delay) => {
        this.#machine.send('lost', reason);
        this.emit('retry', { seconds: delay });
      },
      onExhausted: (refused) => {
        this.#log('error', 'no-engine', refused);
        // HLS asks the least of a browser: what it lacks for that is what is really missing.
        this.#machine.send('fatal', refused.hls ?? Object.values(refused)[0] ?? 'unsupported');
      },
    };
  }

  #arrived(stream, before) {
    clearTimeout(this.#timers.end);
    const another = before !== null && this.#needsRestart(stream, before);
    this.#configChanged = false;
    const waiting = this.#machine.is('idle', 'offline');
    if (waiting || (another && !this.#machine.is('paused', 'blocked'))) {
      if (another) this.#log('info', 'stream-changed');
      this.#setPublisherLost(false);
      this.retry();
    } else if (another) {
      this.#connector.plan(stream, this.#preferences.get('protocol'));
      this.#connector.close();
    } else this.#connector.update(stream);
  }

  /** Another broadcast, other tracks, or a change of codec settings that the engine cannot follow. */
  #needsRestart(stream, before) {
    if (before.started_at !== stream.started_at) return true;
    if (trackSignature(before) !== trackSignature(stream)) return true;
    return this.#configChanged && engineById(this.engine)?.followsChanges === false;
  }

  #end() {
    clearTimeout(this.#timers.end);
    const left = this.#machine.is('playing') ? Math.min(PLAY_OUT, this.#session.buffer()) : 0;
    const end = () => {
      this.#machine.send('absent');
      this.#connector.close();
    };
    if (left > 0.1) this.#timers.end = setTimeout(end, left * 1000);
    else end();
  }

  #ready() {
    this.#session.catchUpAllowed = this.#preferences.get('catchUp');
    this.#session.publisherLost = this.#publisherLost;
    this.emit('engine', this.engine);
    if (!this.#machine.is('paused', 'blocked')) this.#startPlayback();
  }

  async #startPlayback() {
    const outcome = await this.#sound.start();
    if (outcome === 'muted') this.#log('info', 'autoplay-muted');
    if (outcome === 'blocked' && this.#machine.send('blocked')) this.#log('info', 'autoplay-blocked');
  }

  #stalled() {
    if (this.#publisherLost || this.#stream === null) this.#machine.send('lost', 'publisher');
    else this.#machine.send('waiting');
  }

  #setPublisherLost(lost) {
    if (lost === this.#publisherLost) return;
    this.#publisherLost = lost;
    if (this.#session) this.#session.publisherLost = lost;
    if (lost && this.#machine.is('buffering')) this.#machine.send('lost', 'publisher');
  }

  #sample() {
    this.#metrics.sample(performance.now() / 1000, this.#session?.engine.bytes() ?? null);
    this.emit('sample', this.stats());
  }

  #listen() {
    // Pause and play from outside our controls: media keys, the picture-in-picture window.
    this.video.addEventListener('pause', () => {
      const own = !this.video.paused || this.video.ended || this.video.seeking;
      if (!own && this.#machine.is('playing', 'buffering')) this.pause();
    });
    this.video.addEventListener('play', () => {
      if (this.#machine.is('paused') && this.#session !== null) this.play();
    });
    this.#preferences.on('change', (key) => {
      if (key === 'catchUp' && this.#session) {
        this.#session.catchUpAllowed = this.#preferences.get('catchUp');
      }
    });
    addEventListener('online', () => this.#connector.hurry());
  }

  #changed(state, previous, reason) {
    this.#log(state === 'error' ? 'error' : 'info', `state-${state}`, reason ? { reason } : {});
    clearTimeout(this.#timers.good);
    clearTimeout(this.#timers.pause);
    if (state === 'playing') {
      this.#timers.good = setTimeout(() => this.#connector.settled(), GOOD_PLAY);
    }
    if (state === 'paused' || state === 'blocked') {
      this.#timers.pause = setTimeout(() => this.#connector.close(), PAUSE_KEEPS);
    }
    this.emit('state', { state, previous, reason });
    if (state === 'offline' || state === 'error') this.emit('engine', null);
  }
}
