"""SRT in live mode, sans-I/O (draft-sharabayko-srt-01; libsrt 1.5 where the draft is silent).

Callers and listeners of handshake version 5 with stream ids, AES-CTR and AES-GCM, TSBPD and
too-late drop.
Not here: rendezvous, group bonding, packet filters (FEC), the stream (file) mode, version 4.
"""

from gamecast.protocols.srt.access import build_access_control, parse_access_control
from gamecast.protocols.srt.caller import Caller
from gamecast.protocols.srt.connection import Connection
from gamecast.protocols.srt.errors import SrtError
from gamecast.protocols.srt.events import (
    Address,
    Connected,
    ConnectionClosed,
    ConnectionRequested,
    Event,
    PayloadsReceived,
)
from gamecast.protocols.srt.listener import Listener
from gamecast.protocols.srt.reject import Reject
from gamecast.protocols.srt.settings import CryptoMode, Settings
from gamecast.protocols.srt.statistics import Statistics

PAYLOAD_SIZE = 1316
"""Seven transport packets: what live SRT sends in one datagram."""
_TRANSPORT_PACKET = 188


def chunk_size(connection: Connection) -> int:
    """How many bytes of a transport stream go into one datagram: whole packets if they fit."""
    most = min(PAYLOAD_SIZE, connection.payload_size)
    return most // _TRANSPORT_PACKET * _TRANSPORT_PACKET or most


__all__ = [
    "PAYLOAD_SIZE",
    "Address",
    "Caller",
    "Connected",
    "Connection",
    "ConnectionClosed",
    "ConnectionRequested",
    "CryptoMode",
    "Event",
    "Listener",
    "PayloadsReceived",
    "Reject",
    "Settings",
    "SrtError",
    "Statistics",
    "build_access_control",
    "chunk_size",
    "parse_access_control",
]
