"""MPEG-2 transport streams, both ways (ITU-T H.222.0 | ISO/IEC 13818-1)."""

from gamecast.media.containers.mpegts.demuxer import Demuxer
from gamecast.media.containers.mpegts.muxer import Muxer, can_carry
from gamecast.media.containers.mpegts.splitter import PACKET_SIZE

__all__ = ["PACKET_SIZE", "Demuxer", "Muxer", "can_carry"]
