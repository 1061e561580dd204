/** A picture without a camera: bars, a ball, a clock, and a short tone each second. */

const BARS = ['#c9ced6', '#d7c64a', '#45c3d0', '#48b95c', '#b95ac6', '#cf4a4f', '#3f5fd0'];

export class TestPicture {
  #canvas = document.createElement('canvas');
  #paint = this.#canvas.getContext('2d', { alpha: false });
  #timer;
  #tone;

  /** @param {{width: number, height: number, fps: number}} picture */
  constructor({ width, height, fps }, audioContext) {
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#draw();
    this.stream = this.#canvas.captureStream(fps);
    this.#timer = setInterval(() => this.#draw(), 1000 / fps);
    this.#tone = new Tone(audioContext);
    for (const track of this.#tone.stream.getAudioTracks()) this.stream.addTrack(track);
  }

  stop() {
    clearInterval(this.#timer);
    this.#tone.stop();
    for (const track of this.stream.getTracks()) track.stop();
  }

  #draw() {
    const { width, height } = this.#canvas;
    const seconds = performance.now() / 1000;
    BARS.forEach((color, index) => {
      this.#paint.fillStyle = color;
      const left = Math.round((index * width) / BARS.length);
      this.#paint.fillRect(left, 0, Math.ceil(width / BARS.length), height * 0.72);
    });
    this.#paint.fillStyle = '#10151d';
    this.#paint.fillRect(0, height * 0.72, width, height);
    this.#ball(seconds);
    this.#clock();
  }

  #ball(seconds) {
    const { width, height } = this.#canvas;
    const radius = height * 0.07;
    const wave = (period) => Math.abs(((seconds / period) % 2) - 1);
    const x = radius + wave(2.1) * (width - 2 * radius);
    const y = radius + wave(1.3) * (height * 0.72 - 2 * radius);
    this.#paint.fillStyle = '#ffffff';
    this.#paint.beginPath();
    this.#paint.arc(x, y, radius, 0, 2 * Math.PI);
    this.#paint.fill();
  }

  #clock() {
    const { width, height } = this.#canvas;
    const now = new Date();
    const pad = (value, digits = 2) => String(value).padStart(digits, '0');
    const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map((part) => pad(part));
    this.#paint.fillStyle = '#eff2f7';
    this.#paint.font = `600 ${Math.round(height * 0.14)}px ui-monospace, Menlo, Consolas, monospace`;
    this.#paint.textAlign = 'center';
    this.#paint.textBaseline = 'middle';
    const text = `${time.join(':')}.${pad(now.getMilliseconds(), 3)}`;
    this.#paint.fillText(text, width / 2, height * 0.865);
  }
}

/** A tenth of a second of tone at the beginning of each second. */
class Tone {
  #oscillator;

  constructor(context) {
    const destination = context.createMediaStreamDestination();
    const gate = context.createGain();
    gate.gain.value = 0;
    const pulse = context.createBufferSource();
    pulse.buffer = pulseOf(context);
    pulse.loop = true;
    pulse.connect(gate.gain);
    this.#oscillator = context.createOscillator();
    this.#oscillator.frequency.value = 660;
    this.#oscillator.connect(gate).connect(destination);
    this.#oscillator.start();
    pulse.start();
    this.stream = destination.stream;
  }

  stop() {
    this.#oscillator.stop();
  }
}

function pulseOf(context) {
  const buffer = context.createBuffer(1, context.sampleRate, context.sampleRate);
  const samples = buffer.getChannelData(0);
  const length = context.sampleRate / 10;
  for (let index = 0; index < length; index += 1) {
    samples[index] = 0.25 * Math.sin((Math.PI * index) / length); // no clicks
  }
  return buffer;
}
