"""Turn an FLV recording into a fragmented MP4 with the pure layers alone: no socket, no server.

    python examples/flv_to_mp4.py recording.flv movie.mp4

This is the way of every frame through the server, without the server: tags become packets
(``media``), packets become chunks (``packaging``), and chunks are the bytes of a format.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from gamecast.media.containers.flv import TagReader, read_file_tags
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.packaging.fmp4 import Fmp4Packager


def read_packets(data: bytes) -> list[Packet]:
    """Every access unit and audio frame of an FLV file; raises ``MediaError`` if it is none."""
    reader = TagReader()
    packets = []
    for tag in read_file_tags(data):
        packets += reader.read(tag.type, tag.timestamp, tag.payload)
    return packets


def make_mp4(packets: list[Packet]) -> Iterator[bytes]:
    """The header, then a fragment for each frame."""
    packager = Fmp4Packager()
    tracks = {packet.track.id: packet.track for packet in packets}
    packager.set_tracks([tracks[id] for id in sorted(tracks)])
    yield packager.header()
    for packet in packets:
        for chunk in packager.write(packet):
            yield chunk.data
    for chunk in packager.drain():
        yield chunk.data


def main() -> int:
    """Convert the file named on the command line."""
    if len(sys.argv) != 3:
        sys.stderr.write("usage: flv_to_mp4.py IN.flv OUT.mp4\n")
        return 2
    try:
        packets = read_packets(Path(sys.argv[1]).read_bytes())
    except (OSError, MediaError) as error:
        sys.stderr.write(f"{sys.argv[1]}: {error}\n")
        return 1
    Path(sys.argv[2]).write_bytes(b"".join(make_mp4(packets)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
