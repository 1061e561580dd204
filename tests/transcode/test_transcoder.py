"""The transcoder from the server's side, with real worker processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace

import psutil
import pytest

from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind
from gamecast.transcode import process
from gamecast.transcode.recipes import AudioRecipe, VideoRecipe
from tests.support.events import until
from tests.transcode.conftest import Run, Runs
from tests.transcode.scenes import beep_times, flash_times, of_kind, pictures

SOFTWARE = VideoRecipe(encoder="libx264")
REORDERED = 2
"""Pictures that stay in the decoder while their stream goes on."""


async def test_sound_and_picture_stay_together(runs: Runs, av_packets: list[Packet]) -> None:
    pool = runs.pool()
    video, audio = runs.start(SOFTWARE, pool), runs.start(AudioRecipe(), pool)
    await asyncio.gather(video.ready(), audio.ready())
    await asyncio.gather(
        video.feed(of_kind(av_packets, Kind.VIDEO)), audio.feed(of_kind(av_packets, Kind.AUDIO))
    )
    await asyncio.gather(video.done(), audio.done())
    flashes, beeps = flash_times(pictures(video.packets)), beep_times(audio.packets)
    assert flashes == pytest.approx([2.0, 3.0, 4.0, 5.0])
    assert beeps == pytest.approx(flashes, abs=0.002)
    assert audio.packets[0].track.codec is Codec.OPUS
    assert video.transcoder.stats.dropped == audio.transcoder.stats.dropped == 0
    assert video.transcoder.stats.encoder == "libx264"


async def test_all_pictures_come_at_once_without_b_frames(
    runs: Runs, av_packets: list[Packet]
) -> None:
    packets = of_kind(av_packets, Kind.VIDEO)
    run = runs.start(SOFTWARE)
    await run.ready()
    await run.feed(packets)
    await run.done()
    expected = sorted(packet.pts for packet in packets)[: len(run.packets)]
    assert [packet.pts for packet in run.packets] == expected
    assert len(run.packets) >= len(packets) - REORDERED
    assert all(packet.dts == packet.pts for packet in run.packets)
    assert run.packets[0].keyframe


async def test_vp8_does_not_decide_which_encoder_makes_h264(
    runs: Runs, av_packets: list[Packet]
) -> None:
    packets = of_kind(av_packets, Kind.VIDEO)
    run = runs.start(VideoRecipe(codec=Codec.VP8))
    await run.ready()
    await run.feed(packets[:60])
    await run.done()
    made, source = run.packets[0].track, packets[0].track
    assert (made.codec, made.width, made.height) == (Codec.VP8, source.width, source.height)
    assert run.transcoder.stats.encoder == "libvpx"
    assert run.pool.encoder == "auto"


async def test_opus_becomes_aac(runs: Runs, av_packets: list[Packet]) -> None:
    first = runs.start(AudioRecipe())
    await first.ready()
    await first.feed(of_kind(av_packets, Kind.AUDIO))
    await first.done()
    second = runs.start(AudioRecipe(codec=Codec.AAC), first.pool)
    await second.ready()
    await second.feed(first.packets)
    await second.done()
    assert second.packets[0].track.codec is Codec.AAC
    assert second.packets[0].track.codec_string == "mp4a.40.2"
    beeps = beep_times(second.packets)
    assert beeps == pytest.approx([2.0, 3.0, 4.0, 5.0][: len(beeps)], abs=0.002)
    assert len(beeps) >= 3
    assert len(first.pool.processes) == 1, "audio lines share a process"


async def test_a_late_start_begins_with_a_keyframe_of_now(
    runs: Runs, av_packets: list[Packet]
) -> None:
    packets = [
        replace(packet, keyframe=number == 0)  # one long group, as far as the server knows
        for number, packet in enumerate(of_kind(av_packets, Kind.VIDEO))
    ]
    run = runs.start(SOFTWARE)
    run.transcoder.catch_up(packets[:90])
    await run.ready()
    await run.done()
    assert run.packets[0].keyframe
    assert run.packets[0].pts >= packets[85].dts
    assert len(run.packets) <= 6
    await run.feed(packets[90:])
    await run.done()
    seen = pictures(run.packets)
    assert flash_times(seen) == pytest.approx([5.0])
    stats = run.transcoder.stats
    assert stats.dropped == 0
    assert stats.skipped + len(run.packets) >= 120 - REORDERED - 3


async def test_audio_starts_with_the_last_moment(runs: Runs, av_packets: list[Packet]) -> None:
    packets = of_kind(av_packets, Kind.AUDIO)
    run = runs.start(AudioRecipe())
    run.transcoder.catch_up(packets)
    await run.ready()
    await run.done()
    begins = run.packets[0].pts / 48_000
    assert 0.15 < packets[-1].pts / 44_100 - begins < 0.25


async def test_a_keyframe_on_request(runs: Runs, av_packets: list[Packet]) -> None:
    packets = of_kind(av_packets, Kind.VIDEO)[:30]
    run = runs.start(SOFTWARE)
    await run.ready()
    await run.feed(packets[:15])
    await run.done()
    run.transcoder.request_keyframe()
    await run.feed(packets[15:])
    await run.done()
    assert sum(packet.keyframe for packet in run.packets) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_a_killed_worker_is_replaced_at_the_next_keyframe(
    runs: Runs, av_packets: list[Packet]
) -> None:
    packets = of_kind(av_packets, Kind.VIDEO)
    run = runs.start(SOFTWARE)
    await run.ready()
    await run.feed(packets[:40])
    await run.done()
    before = len(run.packets)
    os.kill(run.process.pid, signal.SIGKILL)
    await until(lambda: not run.transcoder.ready, "the loss to be seen")
    for packet in packets[40:70]:  # the keyframe of second 2 is among them
        run.transcoder.write(packet)
    await run.ready()
    await run.feed(packets[70:])
    await run.done()
    again = run.packets[before]
    assert again.keyframe
    assert again.pts >= packets[60].pts
    assert run.transcoder.stats.restarts == 1
    assert run.failures == []
    assert [p.pts for p in run.packets[before:]] == [
        pts for pts in sorted(p.pts for p in packets) if again.pts <= pts <= run.packets[-1].pts
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_a_worker_that_hangs_is_replaced(
    runs: Runs, av_packets: list[Packet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_HUNG_SECONDS", 0.3)
    monkeypatch.setattr(process, "_WATCH_SECONDS", 0.1)
    packets = of_kind(av_packets, Kind.AUDIO)
    run = runs.start(AudioRecipe())
    await run.ready()
    await run.feed(packets[:20])
    await run.done()
    before = len(run.packets)
    os.kill(run.process.pid, signal.SIGSTOP)
    run.transcoder.write(packets[20])
    await until(lambda: run.transcoder.stats.restarts == 1, "the watch to bark")
    await run.ready()
    await run.feed(packets[21:])
    await run.done()
    assert len(run.packets) > before + 50


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_a_worker_lost_again_and_again_is_a_failure(
    runs: Runs, av_packets: list[Packet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamecast.transcode.transcoder._LONGEST_BACKOFF_SECONDS", 0.05)
    run = runs.start(AudioRecipe())
    for lost in range(5):
        await run.ready()
        os.kill(run.process.pid, signal.SIGKILL)
        await until(_lost(run, lost + 1), "the loss to be seen")
    assert len(run.failures) == 1
    assert "worker" in run.failures[0]
    run.transcoder.write(av_packets[0])
    assert run.packets == []


def _lost(run: Run, times: int) -> Callable[[], bool]:
    return lambda: run.transcoder.stats.restarts == times


async def test_one_bad_publisher_leaves_the_shared_worker(
    runs: Runs, av_packets: list[Packet]
) -> None:
    """Who kills a shared worker gets one of his own; the others get a new one together."""
    pool = runs.pool()
    good, bad = runs.start(AudioRecipe(), pool), runs.start(AudioRecipe(), pool)
    await asyncio.gather(good.ready(), bad.ready())
    packets = of_kind(av_packets, Kind.AUDIO)
    await good.feed(packets[:20])
    await good.done()
    shared = good.process
    shared.suspend()
    bad.transcoder.write(packets[0])
    shared.kill()
    await until(lambda: bad.transcoder.stats.restarts == 1, "the loss to be seen")
    await asyncio.gather(good.ready(), bad.ready())
    assert len(pool.processes) == 2
    await good.feed(packets[20:])
    await good.done()
    late = [packet for packet in good.packets if packet.pts > 3.5 * 48_000]
    assert beep_times(late) == pytest.approx([4.0, 5.0], abs=0.002)


@pytest.mark.parametrize("kind", [Kind.VIDEO, Kind.AUDIO])
async def test_garbage_does_not_stop_what_follows(
    runs: Runs, av_packets: list[Packet], kind: Kind
) -> None:
    packets = of_kind(av_packets, kind)
    run = runs.start(SOFTWARE if kind is Kind.VIDEO else AudioRecipe())
    await run.ready()
    for number in range(40):
        noise = os.urandom(200 + number)
        if kind is Kind.VIDEO and number % 2:
            noise = (
                len(noise).to_bytes(4, "big") + bytes([0x65 if number % 3 else 0x67]) + noise[1:]
            )
        run.transcoder.write(replace(packets[0], data=noise))
        run.transcoder.write(replace(packets[0], data=b""))
        await run.done()
    await run.feed(packets)
    await run.done()
    assert run.failures == []
    newest = max(packet.pts / packet.track.clock_rate for packet in run.packets)
    assert newest > 5.8


async def test_a_track_that_cannot_be_decoded_is_a_failure(
    runs: Runs, av_packets: list[Packet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamecast.transcode.transcoder._LONGEST_BACKOFF_SECONDS", 0.05)
    packet = of_kind(av_packets, Kind.AUDIO)[0]
    broken = replace(packet, track=replace(packet.track, config=b"\xff" * 40))
    run = runs.start(AudioRecipe())

    async def insist() -> None:
        while not run.failures:
            run.transcoder.write(broken)
            await asyncio.sleep(0.01)

    await asyncio.wait_for(insist(), 20)
    assert "aac" in run.failures[0]


async def test_writing_never_blocks_and_what_waits_is_bounded(
    runs: Runs, av_packets: list[Packet]
) -> None:
    run = runs.start(AudioRecipe())
    packets = of_kind(av_packets, Kind.AUDIO)
    for packet in packets:  # before the worker has started
        run.transcoder.write(packet)
    assert run.transcoder.waiting <= 45  # a second
    assert run.transcoder.stats.dropped == len(packets) - run.transcoder.waiting
    await run.ready()
    await run.done()
    assert run.packets[-1].pts / 48_000 > 5.9


async def test_close_leaves_nothing(av_packets: list[Packet], runs: Runs) -> None:
    me = psutil.Process()
    files, children = me.num_fds(), set(me.children())
    tasks = asyncio.all_tasks()
    for recipe in (SOFTWARE, AudioRecipe()):
        run = runs.start(recipe)
        kind = Kind.VIDEO if recipe is SOFTWARE else Kind.AUDIO
        await run.ready()
        await run.feed(of_kind(av_packets, kind)[:10])
        await run.transcoder.close()
        await run.pool.close()
        made = len(run.packets)
        run.transcoder.write(av_packets[0])
        await asyncio.sleep(0)
        assert len(run.packets) == made
    assert asyncio.all_tasks() == tasks
    assert set(me.children()) == children
    assert me.num_fds() == files


async def test_close_while_starting(runs: Runs) -> None:
    children = set(psutil.Process().children())
    run = runs.start(SOFTWARE)
    await run.transcoder.close()
    await run.pool.close()
    assert set(psutil.Process().children()) == children
