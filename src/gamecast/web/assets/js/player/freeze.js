/**
 * Keeps the last picture on the screen while an engine is changed or a connection made anew: taking a
 * source off a video element would show black.
 */
export class FreezeFrame {
  #video;
  #canvas;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLCanvasElement} canvas lies over the video and fits its box in the same way
   */
  constructor(video, canvas) {
    this.#video = video;
    this.#canvas = canvas;
    canvas.hidden = true;
  }

  /** Copy what is seen now; without a picture, whatever is kept already stays. */
  capture() {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (videoWidth === 0 || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#canvas.width = videoWidth;
    this.#canvas.height = videoHeight;
    try {
      this.#canvas.getContext('2d', { alpha: false }).drawImage(this.#video, 0, 0);
      this.#canvas.hidden = false;
    } catch {
      this.#canvas.hidden = true; // a picture the browser protects cannot be kept
    }
  }

  /** The video shows its own picture again. */
  release() {
    if (this.#canvas.hidden) return;
    this.#canvas.hidden = true;
    this.#canvas.width = 0;
  }
}
