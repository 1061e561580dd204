"""The one error that media parsers raise on bytes that are not what they claim to be."""


class MediaError(ValueError):
    """Malformed or unsupported media bytes; the message is fit for a log line.

    Parsers of peer bytes raise this and nothing else (no ``IndexError``, no ``struct.error``).
    The session that fed the bytes closes with it; nobody else notices.
    """
