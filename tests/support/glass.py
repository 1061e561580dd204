"""Glass to glass: what the clock strip in the picture on show says against the viewer's clock."""

from __future__ import annotations

import numpy as np
from playwright.async_api import Page

from gamecast.client.capture import clockstrip

# The picture at a width that keeps the strip's blocks whole, and the clock at that very moment.
_LOOK = """() => {
  const video = document.querySelector('video');
  if (!video || !video.videoWidth) return null;
  const canvas = document.createElement('canvas');
  canvas.width = 640; canvas.height = 360;
  const paint = canvas.getContext('2d', {willReadFrequently: true});
  paint.drawImage(video, 0, 0, 640, 360);
  const now = Date.now();
  const data = paint.getImageData(0, 0, 640, 40).data;
  const luma = new Array(640 * 40);
  for (let i = 0; i < luma.length; i++) luma[i] = data[i * 4 + 1];
  return [now, luma, document.querySelector('video').currentTime];
}"""


async def delay(page: Page) -> float | None:
    """Seconds from the sender's clock to the picture shown now; ``None`` if it cannot be read."""
    seen = await page.evaluate(_LOOK)
    if seen is None:
        return None
    now, luma, _ = seen
    picture = np.full((360, 640), 128, dtype=np.uint8)
    picture[:40] = np.array(luma, dtype=np.uint8).reshape(40, 640)
    stamp = clockstrip.decode(picture)
    return None if stamp is None else (now - stamp) / 1000
