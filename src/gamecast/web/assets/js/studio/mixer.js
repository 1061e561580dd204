/**
 * Microphone and the source's own sound in one track. The track stays the same when microphones and
 * sources change, so that nothing has to be negotiated while on air.
 */

/** What counts as silence on the meter (dB below full scale). */
export const SILENCE = -60;

export class Mixer {
  #context;
  #destination;
  #analyser;
  #samples;
  #inputs = new Map();

  constructor(context) {
    this.#context = context;
    this.#destination = context.createMediaStreamDestination();
    this.#destination.channelCount = 2;
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 2048;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.connect(this.#destination);
  }

  /** The mixed track. */
  get track() {
    return this.#destination.stream.getAudioTracks()[0];
  }

  /**
   * Put a stream's sound in place of what the input had; `null` or a stream without sound: nothing.
   * @param {'microphone' | 'source'} name
   * @param {MediaStream | null} stream
   */
  connect(name, stream) {
    const input = this.#input(name);
    input.node?.disconnect();
    input.node = null;
    if (!stream?.getAudioTracks().length) return;
    input.node = this.#context.createMediaStreamSource(stream);
    input.node.connect(input.gain);
  }

  /** Whether an input has sound connected. */
  has(name) {
    return Boolean(this.#inputs.get(name)?.node);
  }

  /** Silence an input, or let it be heard; a short ramp, so that nothing clicks. */
  setMuted(name, muted) {
    const { gain } = this.#input(name).gain;
    gain.setTargetAtTime(muted ? 0 : 1, this.#context.currentTime, 0.015);
  }

  /** `{level, peak}` in dB below full scale (0 is the most), of the last 40 ms. */
  measure() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    let most = 0;
    for (const sample of this.#samples) {
      sum += sample * sample;
      most = Math.max(most, Math.abs(sample));
    }
    return { level: decibels(Math.sqrt(sum / this.#samples.length)), peak: decibels(most) };
  }

  #input(name) {
    if (!this.#inputs.has(name)) {
      const gain = this.#context.createGain();
      gain.connect(this.#analyser);
      this.#inputs.set(name, { gain, node: null });
    }
    return this.#inputs.get(name);
  }
}

function decibels(amplitude) {
  return amplitude > 0 ? Math.max(SILENCE, 20 * Math.log10(amplitude)) : SILENCE;
}
