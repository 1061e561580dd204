"""RTMP 1.0 with Enhanced RTMP (v2): sans-I/O connections for both ends.

``ServerConnection`` and ``ClientConnection`` are fed bytes and return events; malformed peer bytes
raise :class:`RtmpProtocolError` and nothing else. They know message payloads only as bytes: what
is in them is FLV's (``gamecast.media.containers``).
"""

from gamecast.protocols.rtmp.chunks import write_message
from gamecast.protocols.rtmp.client import ClientConnection
from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.limits import RtmpLimits
from gamecast.protocols.rtmp.server import ServerConnection
from gamecast.protocols.rtmp.server_replies import SERVER_CHUNK_SIZE
from gamecast.protocols.rtmp.urls import RtmpUrl, parse_url

__all__ = [
    "SERVER_CHUNK_SIZE",
    "ClientConnection",
    "RtmpLimits",
    "RtmpProtocolError",
    "RtmpUrl",
    "ServerConnection",
    "parse_url",
    "write_message",
]
