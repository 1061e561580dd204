/**
 * Small live charts on canvas: one line, its area, and nothing else. A chart holds the last `points`
 * samples; a sample of `null` leaves a gap. Colours come from the stylesheet, so themes just work.
 */
import { h } from '../lib/dom.js';

/** A young line is drawn as if this many samples were there, and then makes room for more. */
const FEWEST = 30;

/** Room above the highest and below the lowest value, as a part of the height. */
const MARGIN = 0.12;

export class LineChart {
  #values = [];
  #points;
  #floor;
  #context;
  #pending = false;

  /**
   * @param {object} [options] `points` how many samples fit; `floor` the least span of the value
   *   axis, so that a quiet line is drawn quiet and not as a mountain range of noise
   */
  constructor({ points = 90, floor = 1 } = {}) {
    this.#points = points;
    this.#floor = floor;
    this.canvas = h('canvas.chart', { role: 'img' });
    this.#context = this.canvas.getContext('2d');
    new ResizeObserver(() => this.#schedule()).observe(this.canvas);
    document.addEventListener('themechange', () => this.#schedule());
  }

  push(value) {
    this.#values.push(Number.isFinite(value) ? value : null);
    if (this.#values.length > this.#points) this.#values.shift();
    this.#schedule();
  }

  clear() {
    this.#values = [];
    this.#schedule();
  }

  #schedule() {
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      this.#draw();
    });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return;
    const ratio = Math.min(3, devicePixelRatio);
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== size[0]) this.canvas.width = size[0];
    if (this.canvas.height !== size[1]) this.canvas.height = size[1];
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const { color } = getComputedStyle(this.canvas);
    const { low, high } = axis(this.#values, this.#floor);
    const shown = Math.max(FEWEST, this.#values.length);
    const x = (index) => width - ((this.#values.length - 1 - index) / (shown - 1)) * width;
    const y = (value) => height - 1.5 - ((value - low) / (high - low)) * (height - 3);
    for (const run of runs(this.#values)) {
      this.#line(run.map(([index, value]) => [x(index), y(value)]), height, color);
    }
  }

  #line(points, height, color) {
    const context = this.#context;
    const path = new Path2D();
    points.forEach(([px, py], index) => (index === 0 ? path.moveTo(px, py) : path.lineTo(px, py)));
    const area = new Path2D(path);
    area.lineTo(points.at(-1)[0], height);
    area.lineTo(points[0][0], height);
    area.closePath();
    const gradient = context.createLinearGradient(0, 0, 0, height);
    gradient.addColorStop(0, color);
    gradient.addColorStop(1, 'transparent');
    context.globalAlpha = 0.22;
    context.fillStyle = gradient;
    context.fill(area);
    context.globalAlpha = 1;
    context.strokeStyle = color;
    context.lineWidth = 1.75;
    context.lineJoin = 'round';
    context.lineCap = 'round';
    context.stroke(path);
  }
}

/** The value axis: all values, with some air, and never a shorter span than `floor`. Pure. */
export function axis(values, floor) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { low: 0, high: floor };
  let low = Math.min(...known);
  let high = Math.max(...known);
  const middle = (low + high) / 2;
  const span = Math.max(high - low, floor) * (1 + 2 * MARGIN);
  low = middle - span / 2;
  high = middle + span / 2;
  // Nothing measured here is negative: a line near zero stands on the bottom of its chart.
  return low < 0 ? { low: 0, high: high - low } : { low, high };
}

/** Stretches of values without a gap, as lists of [index, value]. Pure. */
export function runs(values) {
  const found = [];
  let current = null;
  values.forEach((value, index) => {
    if (value === null) current = null;
    else if (current === null) found.push((current = [[index, value]]));
    else current.push([index, value]);
  });
  return found;
}
