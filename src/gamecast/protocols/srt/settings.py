"""What one side of a connection asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class CryptoMode(IntEnum):
    """SRTO_CRYPTOMODE. A listener follows its caller in ``AUTO``, a caller takes AES-CTR."""

    AUTO = 0
    AES_CTR = 1
    AES_GCM = 2


@dataclass(slots=True, kw_only=True)
class Settings:
    """Times are seconds unless a name says otherwise. The defaults are libsrt's for live mode."""

    latency: float = 0.120
    """SRTO_RCVLATENCY: how long received packets are held; the larger of both sides' counts."""
    peer_latency: float = 0.0
    """SRTO_PEERLATENCY: the least that the peer is to hold what we send."""
    mtu: int = 1500
    window: int = 8192
    """Packets in flight, and packets that the receiver holds."""
    passphrase: str = field(default="", repr=False)
    key_length: int = 16
    """SRTO_PBKEYLEN of a caller with a passphrase."""
    crypto_mode: CryptoMode = CryptoMode.AUTO
    stream_id: str = field(default="", repr=False)
    max_bandwidth: int = 0
    """Bytes per second that may be sent; 0 sets no bound (SRTO_MAXBW -1)."""
    idle_timeout: float = 5.0
    """SRTO_PEERIDLETIMEO: silence after which the peer is gone."""
    connect_timeout: float = 3.0
    too_late_drop: bool = True
    hold: bool = True
    """SRTO_TSBPDMODE: received packets come out when their time has come. Otherwise at once, as
    long as none is missing before them: the latency is then only what repairing may take."""
    key_refresh: int = 1 << 24
    """Packets after which the sender changes its key (SRTO_KMREFRESHRATE)."""
    key_announce: int = 1 << 12
    """Packets before the change at which the new key is sent (SRTO_KMPREANNOUNCE)."""
    initial_sequence: int | None = None
    """``None`` for a random one."""
