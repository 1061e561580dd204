"""RtmpLimits: every bound that keeps one peer from costing more than its share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True, kw_only=True)
class RtmpLimits:
    """Bounds on one connection; times in seconds, sizes in bytes."""

    handshake_timeout: float = 10.0
    """From the first byte to the end of the handshake, however slowly it trickles in."""
    request_timeout: float = 10.0
    """From the end of the handshake to the first ``publish`` or ``play``."""
    publisher_timeout: float = 20.0
    """Without a byte from a publisher, and from ``accept_publish`` to its first media message."""
    idle_timeout: float = 60.0
    """Without any stream, once there was one."""
    ping_interval: float = 30.0
    """Silence after which a peer that does not publish is sent a ping."""
    player_timeout: float = 90.0
    """Silence after which such a peer is given up."""

    max_chunk_streams: int = 64
    max_message_size: int = 8 << 20
    """One audio, video or aggregate message."""
    max_data_size: int = 1 << 20
    """One metadata message (types 15 and 18)."""
    max_command_size: int = 64 << 10
    """One command (types 17 and 20) or shared-object message (16 and 19)."""
    max_pending_size: int = 16 << 20
    """Unfinished messages of all chunk streams together."""
    max_held_size: int = 4 << 20
    """Media that arrives between ``publish`` and our answer to it."""

    header_burst: int = 20_000
    headers_per_second: float = 2000.0
    bytes_per_header: float = 64.0
    """Chunk headers: how many at once, how many a second, and one more for so many bytes. Headers
    inside a run of chunks of one message do not count, so chunks of 128 bytes are free."""

    max_streams: int = 8
    """Message streams (``createStream``) at one time."""
    max_name_length: int = 1024
    """Characters of an application or stream name, its query included."""
    max_url_length: int = 4096
    max_query_fields: int = 32
    commands_per_second: float = 20.0
    """Sustained; see ``command_burst``."""
    command_burst: int = 200
    """Commands that may come at once, before the rate above holds."""
