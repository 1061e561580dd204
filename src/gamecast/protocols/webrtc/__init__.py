"""WebRTC without sockets: ICE, DTLS, SRTP, RTP, RTCP and SDP as state machines and pure functions.

Where to start: :mod:`.answer` makes the answer to a WHIP or WHEP offer, :mod:`.session` is one
peer, :mod:`.mux` finds the session that a datagram belongs to. Trust grows in one order only: local
ufrag, STUN integrity, selected pair, DTLS from that pair, certificate fingerprint, then SRTP.
"""
