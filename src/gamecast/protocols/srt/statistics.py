"""Statistics of a connection, with the names that libsrt users know (``srt_bstats``)."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Statistics:
    """Totals since the start, and the present state."""

    pkt_sent: int = 0
    """New data packets, without retransmissions."""
    byte_sent: int = 0
    pkt_retrans: int = 0
    byte_retrans: int = 0
    pkt_snd_loss: int = 0
    """Packets that the peer reported lost; each report counts."""
    pkt_snd_drop: int = 0
    pkt_recv: int = 0
    """Data packets that arrived, all of them."""
    byte_recv: int = 0
    pkt_recv_unique: int = 0
    pkt_rcv_loss: int = 0
    """Packets that were missing when a later one arrived."""
    pkt_rcv_drop: int = 0
    """Packets given up because their time had come."""
    pkt_rcv_belated: int = 0
    """Packets that arrived after they were given up, or twice."""
    pkt_rcv_retrans: int = 0
    pkt_rcv_undecrypt: int = 0
    pkt_sent_ack: int = 0
    pkt_recv_ack: int = 0
    pkt_sent_nak: int = 0
    pkt_recv_nak: int = 0
    pkt_malformed: int = 0
    """Packets dropped because they were malformed or not for this state; not in libsrt."""
    ms_rtt: float = 0.0
    mbps_send_rate: float = 0.0
    mbps_recv_rate: float = 0.0
    pkt_flight_size: int = 0
    ms_snd_buf: float = 0.0
    """Milliseconds of media sent and not acknowledged."""
    ms_rcv_buf: float = 0.0
    """Milliseconds of media that wait for their time."""
    ms_rcv_tsbpd_delay: float = 0.0
    ms_snd_tsbpd_delay: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """By libsrt's names: ``pktSent``, ``msRTT``, ``mbpsSendRate`` …"""
        return {_libsrt_name(name): value for name, value in asdict(self).items()}


def _libsrt_name(name: str) -> str:
    first, *rest = name.split("_")
    words = [_WORDS.get(word, word.capitalize()) for word in rest]
    return first + "".join(words)


_WORDS = {"ack": "ACK", "nak": "NAK", "rtt": "RTT", "tsbpd": "TsbPd"}
