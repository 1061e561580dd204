from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gamecast.bench.errors import BenchError
from gamecast.bench.hls_playlist import parse_listing, variant_uri

_MEDIA = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=1.0
#EXT-X-PART-INF:PART-TARGET=0.333
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-MAP:URI="init.mp4"
#EXTINF:2.00000,
7.m4s
#EXT-X-PART:DURATION=1.00000,URI="8.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=1.00000,URI="8.1.m4s"
#EXTINF:2.00000,
8.m4s
#EXT-X-PART:DURATION=0.33300,URI="9.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="9.1.m4s"
"""


def test_parts_segments_and_what_to_ask_next() -> None:
    listing = parse_listing(_MEDIA)
    assert [piece.key for piece in listing.pieces] == [(8, 0), (8, 1), (9, 0)]
    assert [piece.independent for piece in listing.pieces] == [True, False, True]
    assert [piece.uri for piece in listing.segments] == ["7.m4s", "8.m4s"]
    assert (listing.next, listing.init_uri) == ((9, 1), "init.mp4")
    assert (listing.part_hold_back, listing.hold_back) == (1.0, 6.0)
    assert listing.can_block
    assert listing.can_skip
    assert not any(piece.discontinuous for piece in listing.pieces + listing.segments)


def test_a_delta_update_counts_what_it_leaves_out() -> None:
    text = _MEDIA.replace("#EXTINF:2.00000,\n7.m4s", "#EXT-X-SKIP:SKIPPED-SEGMENTS=1")
    assert parse_listing(text).next == (9, 1)


def test_a_discontinuity_belongs_to_the_first_piece_behind_it() -> None:
    broken = _MEDIA.replace("#EXTINF:2.00000,\n7", "#EXT-X-DISCONTINUITY\n#EXTINF:2.00000,\n7")
    broken = broken.replace(
        "#EXT-X-PART:DURATION=0.33", "#EXT-X-DISCONTINUITY\n#EXT-X-PART:DURATION=0.33"
    )
    listing = parse_listing(broken)
    assert [piece.discontinuous for piece in listing.pieces] == [False, False, True]
    assert [piece.discontinuous for piece in listing.segments] == [True, False]


def test_the_variant_of_an_index() -> None:
    index = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\nmedia.m3u8?token=a\n"
    assert variant_uri(index) == "media.m3u8?token=a"
    assert variant_uri(_MEDIA) == ""


@settings(max_examples=100)
@example("#EXT-X-PART")
@given(st.text(alphabet='#EXTMAP-INFRUID:,="\n0123456789.YS', max_size=300))
def test_a_bad_playlist_raises_its_error(text: str) -> None:
    try:
        parse_listing("#EXTM3U\n" + text)
        variant_uri(text)
    except BenchError:
        pass


def test_no_playlist() -> None:
    with pytest.raises(BenchError):
        parse_listing("<html>")
