"""Fragmented MP4, as CMAF wants it: an initialisation segment, then fragments (moof + mdat).

Sources: ISO/IEC 14496-12 (boxes), 23000-19 (CMAF), and for each codec what its sample entry cites.
"""

from gamecast.media.containers.fmp4.fragment import (
    Sample,
    TrackRun,
    fragment,
    producer_reference_time,
    segment_type,
)
from gamecast.media.containers.fmp4.init import init_segment

__all__ = [
    "Sample",
    "TrackRun",
    "fragment",
    "init_segment",
    "producer_reference_time",
    "segment_type",
]
