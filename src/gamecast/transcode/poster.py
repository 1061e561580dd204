"""A still picture of a keyframe, as JPEG: what the server asks of a worker process."""

from __future__ import annotations


def poster(codec: str, config: bytes, keyframe: bytes) -> bytes:
    """Decode one keyframe and return it as JPEG, as :func:`gamecast.transcode.picture.jpeg_of`.

    Raises ``ValueError`` where there is no picture in it.
    """
    # In the worker, not at the top: the server names this function and can do without PyAV, whose
    # libraries are a quarter of a small server's memory and start-up time.
    from gamecast.transcode.picture import jpeg_of

    return jpeg_of(codec, config, keyframe)
