"""Transport streams as encoders send them, and as they must not be."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import video_track
from gamecast.media.containers.mpegts import PACKET_SIZE, Demuxer, Muxer
from gamecast.media.containers.mpegts import psi as tables
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec
from tests.media.containers.mpegts.feeds import solid
from tests.support.media import av_feed


def stream(seconds: float = 1.0, *, shift: int = 0, **changes: int) -> tuple[list[Packet], bytes]:
    feed = av_feed(**changes)
    packets = list(solid(feed, seconds))
    muxer = Muxer([feed.video, feed.audio] if feed.video and feed.audio else [])
    for packet in packets:
        packet.dts += shift * packet.track.clock_rate // 90_000
        packet.pts += shift * packet.track.clock_rate // 90_000
    return packets, b"".join([muxer.write(packet) for packet in packets])


def payloads(packets: list[Packet], track: int) -> list[bytes]:
    return [packet.data for packet in packets if packet.track.id == track]


def test_everything_comes_out_in_whatever_pieces_it_came() -> None:
    sent, data = stream()
    for size in (1, 100, 187, 188, 1316, len(data)):
        demuxer = Demuxer()
        got = [p for at in range(0, len(data), size) for p in demuxer.read(data[at : at + size])]
        got += demuxer.flush()
        for track in (0, 1):
            assert payloads(got, track) == payloads(sent, track)
        assert demuxer.continuity_errors == demuxer.damaged == demuxer.lost_bytes == 0


@pytest.mark.parametrize(("stride", "before"), [(192, 4), (204, 0)])
def test_packets_with_a_time_in_front_or_parity_behind(stride: int, before: int) -> None:
    sent, data = stream()
    rows = [data[at : at + PACKET_SIZE] for at in range(0, len(data), PACKET_SIZE)]
    wide = b"".join([bytes(before) + row + bytes(stride - before - PACKET_SIZE) for row in rows])
    demuxer = Demuxer()
    assert payloads(demuxer.read(wide) + demuxer.flush(), 0) == payloads(sent, 0)


def test_sync_is_found_again_behind_garbage() -> None:
    sent, data = stream()
    middle = len(data) // PACKET_SIZE // 2 * PACKET_SIZE
    demuxer = Demuxer()
    torn = b"garbage" * 5 + data[:middle] + b"\x47\x00more garbage" + data[middle:]
    got = demuxer.read(torn) + demuxer.flush()
    assert demuxer.lost_bytes >= 49
    assert set(payloads(got, 0)) <= set(payloads(sent, 0))
    assert len(payloads(got, 0)) >= len(payloads(sent, 0)) - 2


def test_a_lost_packet_costs_one_frame_and_no_more() -> None:
    sent, data = stream(frame_bytes=2000)
    rows = [data[at : at + PACKET_SIZE] for at in range(0, len(data), PACKET_SIZE)]
    video = [
        n
        for n, row in enumerate(rows)
        if row[1:3] == b"\x01\x00" and row[3] & 0x30 == 0x10  # payload alone, no start
    ]
    del rows[video[len(video) // 2]]
    demuxer = Demuxer()
    got = demuxer.read(b"".join(rows)) + demuxer.flush()
    assert demuxer.continuity_errors == 1
    assert len(payloads(got, 0)) == len(payloads(sent, 0)) - 1
    assert set(payloads(got, 0)) < set(payloads(sent, 0))
    assert payloads(got, 1) == payloads(sent, 1)


def test_duplicate_packets_are_read_once() -> None:
    sent, data = stream()
    rows = [data[at : at + PACKET_SIZE] for at in range(0, len(data), PACKET_SIZE)]
    doubled = b"".join([row + row if row[1] & 0x1F == 1 else row for row in rows])
    demuxer = Demuxer()
    got = demuxer.read(doubled) + demuxer.flush()
    assert payloads(got, 0) == payloads(sent, 0)
    assert demuxer.continuity_errors == 0


@pytest.mark.parametrize("shift", [(1 << 33) - 45_000, (1 << 33) * 3 - 45_000])
def test_stamps_wrap_at_33_bits(shift: int) -> None:
    sent, data = stream(shift=shift)
    demuxer = Demuxer()
    got = demuxer.read(data) + demuxer.flush()
    assert demuxer.jumps == 0
    for track in (0, 1):
        steps = [p.dts for p in got if p.track.id == track]
        wanted = [p.dts for p in sent if p.track.id == track]
        assert [s - steps[0] for s in steps] == [w - wanted[0] for w in wanted]


def test_pictures_are_not_held_back_once_the_muxer_is_known() -> None:
    feed = av_feed(frame_bytes=70_000)
    assert feed.video is not None
    muxer = Muxer([feed.video])
    demuxer = Demuxer()
    pictures = [packet for packet in solid(feed, 1.0) if packet.is_video]
    waiting = [1 - len(demuxer.read(muxer.write(packet))) for packet in pictures]
    assert waiting[0] == 1  # the PES length is open, the end of the first is not known yet
    assert waiting[-10:] == [0] * 10


def test_new_parameter_sets_make_a_new_track_with_the_same_id() -> None:
    feed = av_feed(group=10)
    assert feed.video is not None
    other = feed.video.config.replace(b"\x68\xeb\xe3", b"\x68\xea\xe3")
    muxer, demuxer = Muxer([feed.video]), Demuxer()
    got = [q for p in solid(feed, 0.5) if p.is_video for q in demuxer.read(muxer.write(p))]
    feed.video = video_track(Codec.H264, other)
    muxer.set_tracks([feed.video])
    got += [q for p in solid(feed, 1.0) if p.is_video for q in demuxer.read(muxer.write(p))]
    tracks = list(dict.fromkeys(packet.track for packet in got))
    assert [track.config for track in tracks][1:] == [other]
    assert {track.id for track in tracks} == {0}


def test_scrambled_and_private_streams_are_passed_over() -> None:
    sent, data = stream()
    rows = [bytearray(data[at : at + PACKET_SIZE]) for at in range(0, len(data), PACKET_SIZE)]
    for row in rows:
        if row[1] & 0x1F == 1 and row[2] == 1:
            row[3] |= 0x80
    demuxer = Demuxer()
    got = demuxer.read(b"".join(rows)) + demuxer.flush()
    assert demuxer.scrambled > 0
    assert payloads(got, 0) == payloads(sent, 0)
    assert payloads(got, 1) == []


def test_what_is_no_transport_stream_is_refused() -> None:
    demuxer = Demuxer()
    demuxer.read(bytes(200_000))
    demuxer.read(bytes(60_000))
    with pytest.raises(MediaError, match="no MPEG transport stream"):
        demuxer.read(bytes(60_000))


def test_a_pes_packet_that_never_ends_is_given_up() -> None:
    _, data = stream(0.1)
    demuxer = Demuxer()
    demuxer.read(data)
    counter = 0
    head = bytes((0x47, 0x41, 0x00, 0x10)) + b"\x00\x00\x01\xe0\x00\x00\x80\x00\x00"
    demuxer.read(head.ljust(PACKET_SIZE, b"\x01"))
    for _ in range(60_000):
        counter = counter + 1 & 15
        demuxer.read(bytes((0x47, 0x01, 0x00, 0x10 | counter)) + b"\x02" * 184)
    assert demuxer.damaged >= 1


def test_a_pat_with_many_programs_and_a_flipping_pmt_are_bounded() -> None:
    _, data = stream(0.2)
    rows = [data[at : at + PACKET_SIZE] for at in range(0, len(data), PACKET_SIZE)]
    demuxer = Demuxer()
    for version in range(64):
        streams = [tables.ElementaryStream(0x1B, 0x200 + n + version) for n in range(60)]
        section = tables.build_pmt(streams, pcr_pid=0x1FFF, version=version)
        demuxer.read(rows[0])
        demuxer.read(
            (bytes((0x47, 0x50, 0x00, 0x10, 0)) + section[:183]).ljust(188, b"\xff")
            + (bytes((0x47, 0x10, 0x00, 0x11)) + section[183:]).ljust(188, b"\xff")
        )
    assert len(demuxer.tracks) <= 16


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), flips=st.integers(1, 40))
def test_damage_is_dropped_and_never_escapes(seed: int, flips: int) -> None:
    _, data = stream(0.5, frame_bytes=400)
    dice = random.Random(seed)
    broken = bytearray(data)
    for _ in range(flips):
        broken[dice.randrange(len(broken))] = dice.randrange(256)
    if dice.random() < 0.3:
        at = dice.randrange(len(broken))
        del broken[at : at + dice.randrange(400)]
    demuxer = Demuxer()
    got = demuxer.read(bytes(broken)) + demuxer.flush()
    assert sum(len(packet.data) for packet in got) <= len(broken)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.binary(min_size=187, max_size=187), max_size=30))
def test_random_packets_raise_nothing_else(rows: list[bytes]) -> None:
    demuxer = Demuxer()
    _, data = stream(0.1)
    try:
        demuxer.read(data)
        demuxer.read(b"".join([b"\x47" + row for row in rows]))
        for row in rows:
            demuxer.read(bytes((0x47, row[0] & 0x40 | row[1] & 1, row[1])) + row[2:])
        demuxer.flush()
    except MediaError:
        pass
