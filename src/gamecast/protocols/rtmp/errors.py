"""The one error that this package raises on bytes that are not RTMP, or not allowed."""


class RtmpProtocolError(ValueError):
    """The peer broke the protocol or one of our limits; its connection is to be closed.

    The message is fit for a log line: it names what was wrong and never contains a stream key, a
    query string or other text that the peer chose.
    """
