/**
 * The engines: one module each, all with the same face, so that the player knows none of them.
 *
 * A *definition* says what an engine is:
 *
 *   id            `flv`, `hls`, ...; its place in the order is in selection.js
 *   label         what people call it
 *   unsupported   (stream) => `null` when it can play this stream here, or a short reason
 *   create        (context) => an engine
 *   catchUp       options of CatchUp that suit it
 *   seekable      false when it plays what arrives: no buffer, no catching up, no stall events
 *   probe         (context) => a promise: does it work now? Nothing of it is shown
 *   followsChanges  false when a change of resolution in mid-stream needs a new engine
 *
 * `context` is `{video, stream, url, clock, log, onReady, onEnded, onFailure}`: `url(suffix)` gives the
 * address of a media resource of the channel, `onFailure({kind, code, detail})` ends this engine
 * (`kind` is `network`, `media`, `unsupported` or `unreachable`: no use in trying again at once), `onReady()` tells that playing can be asked for,
 * `onEnded()` that the server said the stream is over.
 *
 * An *engine* has
 *
 *   start()       async: load the library, attach to the video element, begin
 *   stop()        let go of the element and of the network; nothing is called back afterwards
 *   latency()     seconds between the server's clock and the picture, or `null` when not known
 *   distance()    seconds behind the newest data that could be played, or `null`
 *   target()      seconds it wants to be behind it, or `null`
 *   edge()        the media time to go to for "live", or `null`
 *   stalled()     told when the picture stopped for want of data
 *   details()     optional: what only this transport knows, WebRTC's `{rtt, lost, nack, jitterBuffer, ...}`
 *   bytes()       media bytes received so far, or `null`
 *   qualities()   `[{id, width, height, fps, bitrate}]`, empty when there is only one
 *   quality()     id of the one in use; `setQuality(id)`, `auto` lets the engine choose
 *   details()     (may be missing) numbers that only this engine has; WebRTC's are in whep-stats.js
 */
const registry = new Map();

/** Make an engine known. A later definition with the same id takes the place of the first. */
export function registerEngine(definition) {
  registry.set(definition.id, definition);
}

/** All known definitions. */
export function engines() {
  return [...registry.values()];
}

export function engineById(id) {
  return registry.get(id) ?? null;
}
