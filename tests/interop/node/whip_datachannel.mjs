// A WHIP publisher with libdatachannel: node whip_datachannel.mjs URL FILE
// Sends what FILE holds, again and again, at the speed it plays. FILE is records of: kind (1 video,
// 2 audio), time in ticks of the kind's clock (32 bits, big-endian), size (32 bits), the unit.
import { readFileSync } from 'node:fs';
import ndc from 'node-datachannel';
import { exchange, seconds } from './session.mjs';

const [url, file] = process.argv.slice(2);
const CLOCKS = { 1: 90_000, 2: 48_000 };

function units(data) {
  const found = [];
  for (let at = 0; at < data.length; ) {
    const [kind, ticks, size] = [data[at], data.readUInt32BE(at + 1), data.readUInt32BE(at + 5)];
    found.push({ kind, ticks, data: data.subarray(at + 9, at + 9 + size) });
    at += 9 + size;
  }
  return found;
}

function line(media, ssrc, payloadType, kind, Packetizer, ...options) {
  media.addSSRC(ssrc, 'peer', 'peer', kind === 1 ? 'video' : 'audio');
  const track = peer.addTrack(media);
  const config = new ndc.RtpPacketizationConfig(ssrc, 'peer', payloadType, CLOCKS[kind]);
  const packetizer = new Packetizer(...options, config);
  packetizer.addToChain(new ndc.RtcpSrReporter(config));
  packetizer.addToChain(new ndc.RtcpNackResponder());
  track.setMediaHandler(packetizer);
  return { track, config };
}

const peer = new ndc.PeerConnection('peer', { iceServers: [], disableAutoNegotiation: true });
const video = new ndc.Video('video', 'SendOnly');
video.addH264Codec(96);
const audio = new ndc.Audio('audio', 'SendOnly');
audio.addOpusCodec(111);
const lines = {
  1: line(video, 1001, 96, 1, ndc.H264RtpPacketizer, 'Length'),
  2: line(audio, 1002, 111, 2, ndc.RtpPacketizer),
};
peer.onGatheringStateChange(async (state) => {
  if (state === 'complete') {
    peer.setRemoteDescription(await exchange(url, peer.localDescription().sdp), 'answer');
  }
});
peer.setLocalDescription();

const all = units(readFileSync(file));
const length = Math.round(1 + Math.max(...all.map(({ kind, ticks }) => ticks / CLOCKS[kind])));
let [next, round, start] = [0, 0, null];
setInterval(() => {
  if (!Object.values(lines).every(({ track }) => track.isOpen())) return;
  start ??= seconds();
  for (;;) {
    const { kind, ticks, data } = all[next];
    if (round * length + ticks / CLOCKS[kind] > seconds() - start) return;
    const { track, config } = lines[kind];
    config.timestamp = (round * length * CLOCKS[kind] + ticks) >>> 0;
    track.sendMessageBinary(data);
    next = (next + 1) % all.length;
    if (next === 0) round++;
  }
}, 2);
