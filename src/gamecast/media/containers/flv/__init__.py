"""FLV, and what RTMP shares with it: legacy tags and Enhanced RTMP versions 1 and 2.

``TagReader`` turns tags into packets and ``TagWriter`` packets into tags; ``FlvDemuxer`` cuts a
file into tags first.
"""

from gamecast.media.containers.flv.fourcc import TagType
from gamecast.media.containers.flv.reader import TagReader
from gamecast.media.containers.flv.tags import MAX_TAG_BODY, FlvDemuxer, Tag, read_file_tags
from gamecast.media.containers.flv.writer import Message, TagWriter

__all__ = [
    "MAX_TAG_BODY",
    "FlvDemuxer",
    "Message",
    "Tag",
    "TagReader",
    "TagType",
    "TagWriter",
    "read_file_tags",
]
