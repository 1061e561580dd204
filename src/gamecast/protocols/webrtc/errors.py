"""The one error that this package raises on bytes or text from a peer."""


class WebRtcError(ValueError):
    """Malformed, unsupported or untrusted input from a WebRTC peer; fit for a log line.

    Parsers of STUN, RTP, RTCP, SDP and ICE candidates raise this and nothing else. It never
    carries a password or a key. Misuse by our own code raises ordinary exceptions.
    """
