// What the peers share: the exchange of offer and answer over HTTP (WHIP, WHEP), waiting, reporting.

/** Post an offer; the answer's SDP. */
export async function exchange(url, sdp) {
  const headers = { 'content-type': 'application/sdp' };
  const response = await fetch(url, { method: 'POST', headers, body: sdp });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`status ${response.status}: ${text}`);
  return text;
}

/** Connect a W3C peer connection whose transceivers are set up. */
export async function connect(peer, url) {
  await peer.setLocalDescription(await peer.createOffer());
  if (peer.iceGatheringState !== 'complete') {
    await new Promise((done) => {
      peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && done();
    });
  }
  const sdp = await exchange(url, peer.localDescription.sdp);
  await peer.setRemoteDescription({ type: 'answer', sdp });
}

export const seconds = () => Number(process.hrtime.bigint()) / 1e9;

/** One line of JSON, and the end of the program. */
export function report(found) {
  process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0));
}
