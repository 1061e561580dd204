/**
 * One engine on the video element, from start to stop: keeps it near the live edge, notices when the
 * picture stops, and reports. A session is thrown away after a failure and never used twice.
 */
import { CatchUp } from './catchup.js';
import { Progress } from './progress.js';

/** How often distance and rate are looked at, in milliseconds. */
const TICK = 250;

/** Seconds without a moving picture before a session counts as failed. */
const START_LIMIT = 12;
const STALL_LIMIT = 8;

/** While the publisher is known to be away the server keeps the connection: wait for it longer. */
const PUBLISHER_LIMIT = 45;

/**
 * A fresh connection brings the cached group as a burst and shows its first picture at once. In these
 * first seconds even a small drift is skipped, whether catch-up is on or off.
 */
const BURST = 2;
const BURST_DRIFT = 0.6;

const RESUMED_FRAMES = 3;

/** A jump needs this long to take effect before the next one is thought of (seconds). */
const JUMP_PAUSE = 1.5;

const seconds = () => performance.now() / 1000;

export class Session {
  #definition;
  #engine;
  #video;
  #log;
  #callbacks;
  #catchUp;
  #timer = null;
  #listeners = new AbortController();
  #moving = false;
  #since = seconds();
  #firstPlayed = null;
  #framesAtStall = null;
  #progress = new Progress();
  #jumpedAt = -Infinity;
  #stopped = false;
  #failed = false;

  /** Follow the live edge; false after the viewer went back or switched catch-up off. */
  following = true;

  /** Whether playback rate may be changed at all (the viewer's switch). */
  catchUpAllowed = true;

  /** The publisher is away; the server holds our connection. */
  publisherLost = false;

  /**
   * @param {object} definition of an engine
   * @param {object} context `{video, stream, url, clock, log}` for the engine
   * @param {object} callbacks `{onReady, onPlaying, onStalled, onEnded, onFailure}`
   */
  constructor(definition, context, callbacks) {
    this.#definition = definition;
    this.#video = context.video;
    this.#log = context.log;
    this.#callbacks = callbacks;
    this.#catchUp = new CatchUp(definition.catchUp);
    const guard = (callback) => (detail) => !this.#stopped && callback(detail);
    this.#engine = definition.create({
      ...context,
      onReady: guard(callbacks.onReady),
      onEnded: guard(callbacks.onEnded),
      onFailure: guard((failure) => this.#fail(failure)),
    });
  }

  get id() {
    return this.#definition.id;
  }

  get engine() {
    return this.#engine;
  }

  async start() {
    this.#watch();
    this.#timer = setInterval(() => this.#tick(), TICK);
    try {
      await this.#engine.start();
    } catch (error) {
      this.#fail({ kind: 'network', code: 'load', detail: error.message });
    }
  }

  stop() {
    this.#stopped = true;
    this.#listeners.abort();
    clearInterval(this.#timer);
    this.#video.playbackRate = 1;
    this.#engine.stop();
  }

  /** Go to the live edge now. */
  jump() {
    const edge = this.#engine.edge();
    if (edge === null || edge <= this.#video.currentTime) return false;
    this.#jumpedAt = seconds();
    this.#video.currentTime = edge;
    return true;
  }

  /** Seconds behind where the engine wants to be, or `null`. */
  drift() {
    const distance = this.#engine.distance();
    const target = this.#engine.target();
    return distance === null || target === null ? null : distance - target;
  }

  /** Seconds of data after the picture. */
  buffer() {
    const { buffered, currentTime } = this.#video;
    const end = buffered.length > 0 ? buffered.end(buffered.length - 1) : currentTime;
    return Math.max(0, end - currentTime);
  }

  #watch() {
    const { signal } = this.#listeners;
    const listen = (type, listener) => this.#video.addEventListener(type, listener, { signal });
    listen('playing', () => this.#setMoving(true));
    listen('waiting', () => this.#setMoving(false));
    listen('ended', () => this.#setMoving(false));
    listen('pause', () => {
      this.#moving = false;
    });
    listen('error', () => {
      const { code = 0, message = '' } = this.#video.error ?? {};
      this.#fail({ kind: 'media', code: `media ${code}`, detail: message });
    });
  }

  #setMoving(moving) {
    // A jump empties the decoder for a moment; that is not a stall.
    if (!moving && (this.#video.seeking || this.#jumping())) return;
    if (moving === this.#moving) return;
    this.#moving = moving;
    this.#since = seconds();
    if (moving) {
      this.#firstPlayed ??= seconds();
      this.#progress.reset();
      this.#callbacks.onPlaying();
      this.#tick();
    } else {
      this.#framesAtStall = this.#frames();
      if (!this.publisherLost) this.#engine.stalled();
      this.#callbacks.onStalled();
    }
  }

  #jumping() {
    return seconds() - this.#jumpedAt < JUMP_PAUSE;
  }

  #tick() {
    if (this.#stopped) return;
    if (!this.#moving) {
      if (this.#resumed()) this.#setMoving(true);
      else this.#checkLimit();
      return;
    }
    const progress = this.#progressed();
    const seekable = this.#engine.edge() !== null;
    if (progress === 'stuck' || (progress === 'frozen' && !seekable)) this.#setMoving(false);
    else if (progress === 'frozen') this.#thaw();
    else this.#steer();
  }

  #progressed() {
    const { currentTime, paused, readyState } = this.#video;
    if (paused || document.hidden || this.#jumping()) {
      this.#progress.reset();
      return 'moving';
    }
    return this.#progress.observe(seconds(), {
      time: currentTime,
      frames: this.#frames(),
      dry: readyState < HTMLMediaElement.HAVE_FUTURE_DATA,
    });
  }

  /** Frames decoded so far, or `null` where there is no picture. */
  #frames() {
    if (this.#video.videoWidth === 0) return null;
    const { totalVideoFrames = 0 } = this.#video.getVideoPlaybackQuality?.() ?? {};
    return totalVideoFrames || (this.#engine.frames?.() ?? null); // Firefox counts none of WebRTC's
  }

  /** A WebRTC picture goes on without any event: several new frames since the stall tell. */
  #resumed() {
    if (this.#framesAtStall === null || this.#video.paused) return false;
    return this.#frames() - this.#framesAtStall > RESUMED_FRAMES;
  }

  /** Sound without a picture: a jump makes the decoder begin anew at a keyframe. */
  #thaw() {
    this.#log('warning', 'picture-frozen', { engine: this.id });
    this.#progress.reset();
    if (!this.jump()) this.#video.currentTime += 0.1;
    this.#jumpedAt = seconds();
  }

  #steer() {
    if (!this.following || this.#video.paused || this.#video.seeking || this.#jumping()) return;
    const { rate, jump } = this.#catchUp.decide({
      distance: this.#engine.distance(),
      target: this.#engine.target(),
      buffer: this.buffer(),
    });
    const fresh = seconds() - this.#firstPlayed < BURST;
    const far = fresh ? this.drift() > BURST_DRIFT : jump && this.catchUpAllowed;
    if (far && this.jump()) return;
    const wanted = this.catchUpAllowed ? rate : 1;
    if (this.#video.playbackRate !== wanted) this.#video.playbackRate = wanted;
  }

  #checkLimit() {
    if (document.hidden || this.#video.paused) {
      this.#since = seconds(); // browsers stop hidden and paused media; nobody is waiting
      return;
    }
    const started = this.#video.currentTime > 0;
    const limit = this.publisherLost ? PUBLISHER_LIMIT : started ? STALL_LIMIT : START_LIMIT;
    if (seconds() - this.#since > limit) {
      this.#fail({ kind: 'network', code: started ? 'stalled' : 'no picture', detail: `${limit} s` });
    }
  }

  #fail(failure) {
    if (this.#stopped || this.#failed) return;
    this.#failed = true; // once is enough; whoever hears it will stop us
    clearInterval(this.#timer);
    this.#callbacks.onFailure(failure);
  }
}
