/**
 * What watching (WHEP) and publishing (WHIP, RFC 9725) by WebRTC share: the exchange of offer and
 * answer over HTTP, and the resource that stands for the session.
 */

const SDP = 'application/sdp';

/** An answer may wait for a converter to start on the server (ms); then it will not come. */
const ANSWER_LIMIT = 12_000;

/** How long to wait for the server's word on the end of a session (ms). */
const FAREWELL_LIMIT = 2000;

/** STUN and TURN servers that the server named last; connections made from then on use them. */
let known = [];

/** For `new RTCPeerConnection`. */
export const configuration = () => ({ bundlePolicy: 'max-bundle', iceServers: known });

/** The server refused an offer, or could not be reached (`status` 0). */
export class OfferRefused extends Error {
  /**
   * @param {number} status of the HTTP answer
   * @param {{code?: string, detail?: string}} problem RFC 9457, as far as the server told
   */
  constructor(status, { code, detail } = {}) {
    super(detail || `HTTP status ${status}`);
    this.name = 'OfferRefused';
    this.status = status;
    this.code = code ?? null;
  }
}

/**
 * Send an offer.
 * @param {string} path where to; relative to the page
 * @param {string} sdp
 * @param {{key?: string | null}} [options] `key` is sent as a bearer token
 * @returns {Promise<{answer: string, resource: string | null, untried: boolean}>}
 *   `resource` is the session's address, for `endSession`; `untried`: the server named STUN or TURN
 *   servers that this connection was made without (RFC 9725 section 4.6)
 * @throws {OfferRefused}
 */
export async function sendOffer(path, sdp, { key = null } = {}) {
  const address = new URL(path, location.href);
  const headers = { 'content-type': SDP };
  if (key) headers.authorization = `Bearer ${key}`;
  let response;
  try {
    const signal = AbortSignal.timeout(ANSWER_LIMIT);
    response = await fetch(address, { method: 'POST', headers, body: sdp, signal });
  } catch (error) {
    throw new OfferRefused(0, { detail: error.message });
  }
  if (response.status !== 201) {
    throw new OfferRefused(response.status, await response.json().catch(() => ({})));
  }
  const resource = response.headers.get('location');
  const before = new Set(known.map(({ urls }) => urls));
  known = iceServers(response.headers.get('link'));
  return {
    answer: await response.text(),
    resource: resource && new URL(resource, address).href,
    untried: known.some(({ urls }) => !before.has(urls)),
  };
}

/** Tell the server that the session is over; also while the page is being left. */
export function endSession(resource) {
  const signal = AbortSignal.timeout(FAREWELL_LIMIT);
  return fetch(resource, { method: 'DELETE', keepalive: true, signal }).catch(() => null);
}

/**
 * STUN and TURN servers of a `Link` header (RFC 9725 section 4.6).
 * @param {string | null} header
 * @returns {RTCIceServer[]}
 */
export function iceServers(header) {
  const found = [];
  for (const [, urls, rest] of (header ?? '').matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+="[^"]*")*)/g)) {
    const parameters = Object.fromEntries(
      [...rest.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    if (parameters.rel !== 'ice-server') continue;
    const { username, credential } = parameters;
    found.push(username ? { urls, username, credential } : { urls });
  }
  return found;
}

/** Browsers send and expect Opus in mono unless the description says otherwise (RFC 7587). */
export function withStereo(sdp) {
  const payload = /a=rtpmap:(\d+) opus\/48000\/2/i.exec(sdp)?.[1];
  if (payload === undefined) return sdp;
  const line = new RegExp(`(a=fmtp:${payload} [^\\r\\n]*)`);
  return sdp.replace(line, '$1;stereo=1;sprop-stereo=1');
}
