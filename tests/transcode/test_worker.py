"""The worker process by itself: what it answers, and when it ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import psutil
import pytest

from gamecast.media.packet import Packet
from gamecast.media.track import Kind
from gamecast.transcode import wire
from gamecast.transcode.process import WorkerProcess
from gamecast.transcode.recipes import AudioRecipe
from gamecast.transcode.wire import Message, MessageKind, MessageReader, WireError
from gamecast.transcode.worker import Worker
from tests.transcode.conftest import Runs
from tests.transcode.scenes import of_kind

COMMAND = [sys.executable, "-m", "gamecast.transcode.worker"]


def answers(worker: Worker, data: bytes) -> list[Message]:
    replies = b"".join([worker.receive_message(m) for m in MessageReader().receive_data(data)])
    return MessageReader().receive_data(replies)


def test_every_packet_is_answered_for(av_packets: list[Packet]) -> None:
    worker = Worker()
    packets = of_kind(av_packets, Kind.AUDIO)[:5]
    data = wire.build_message(MessageKind.OPEN, 3, wire.build_recipe(AudioRecipe()))
    data += wire.build_message(MessageKind.TRACK, 3, wire.build_track(packets[0].track))
    data += b"".join([wire.build_packet(3, packet) for packet in packets])
    got = answers(worker, data)
    assert {message.line for message in got} == {3}
    assert [m.kind for m in got].count(MessageKind.TAKEN) == 5
    assert [m.kind for m in got].count(MessageKind.PACKET) == 5
    assert got[0].kind is MessageKind.TRACK
    assert got[-1].kind is MessageKind.TAKEN


def test_a_line_that_cannot_go_on_leaves_the_others_alone(av_packets: list[Packet]) -> None:
    worker = Worker()
    packet = of_kind(av_packets, Kind.AUDIO)[0]
    opening = wire.build_recipe(AudioRecipe())
    for line in (1, 2):
        answers(worker, wire.build_message(MessageKind.OPEN, line, opening))
    track = wire.build_track(packet.track).replace(packet.track.config.hex().encode(), b"ffff")
    (failed,) = answers(worker, wire.build_message(MessageKind.TRACK, 1, track))
    assert failed.kind is MessageKind.FAILED
    assert "aac" in wire.parse_reason(failed.body)
    assert [m.kind for m in answers(worker, wire.build_packet(1, packet))] == [MessageKind.TAKEN]
    good = wire.build_message(MessageKind.TRACK, 2, wire.build_track(packet.track))
    assert answers(worker, good) == []
    assert answers(worker, wire.build_packet(2, packet))[-1].kind is MessageKind.TAKEN


def test_a_closed_line_is_forgotten(av_packets: list[Packet]) -> None:
    worker = Worker()
    packet = of_kind(av_packets, Kind.AUDIO)[0]
    opening = wire.build_message(MessageKind.OPEN, 1, wire.build_recipe(AudioRecipe()))
    track = wire.build_message(MessageKind.TRACK, 1, wire.build_track(packet.track))
    assert answers(worker, opening + track + wire.build_message(MessageKind.CLOSE, 1)) == []
    assert [m.kind for m in answers(worker, wire.build_packet(1, packet))] == [MessageKind.TAKEN]


def test_messages_that_are_not_for_a_worker() -> None:
    worker = Worker()
    answers(worker, wire.build_message(MessageKind.OPEN, 1, wire.build_recipe(AudioRecipe())))
    with pytest.raises(WireError):
        answers(worker, wire.build_message(MessageKind.READY, 1))


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_it_ends_with_its_input(kind: str) -> None:
    done = subprocess.run([*COMMAND, kind], input=b"", capture_output=True, timeout=30, check=True)
    (ready,) = MessageReader().receive_data(done.stdout)
    assert ready.kind is MessageKind.READY
    assert done.stderr == b""


def test_nonsense_ends_it_with_a_reason() -> None:
    done = subprocess.run(
        [*COMMAND], input=b"\xff" * 9, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert done.stderr == b"message of unknown kind 255\n"


@pytest.mark.skipif(sys.platform != "linux", reason="rlimits of another process")
async def test_it_limits_itself(runs: Runs) -> None:
    run = runs.start(AudioRecipe())
    await run.ready()
    assert run.process.rlimit(psutil.RLIMIT_CORE)[0] == 0
    assert run.process.rlimit(psutil.RLIMIT_NOFILE)[0] == 256
    assert run.process.rlimit(psutil.RLIMIT_DATA)[0] <= 2 << 30


async def test_a_worker_that_speaks_nonsense_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one might that has been taken over by what it decodes."""
    monkeypatch.setattr("gamecast.transcode.process._MODULE", "this")  # prints a poem
    lost: list[str] = []
    idle = asyncio.Event()

    class Owner:
        def worker_ready(self) -> None:
            raise AssertionError("ready")

        def receive_message(self, message: Message) -> None:
            raise AssertionError(message)

        def worker_lost(self, reason: str, *, blamed: bool) -> None:
            lost.append(reason)
            assert not blamed

    worker = WorkerProcess("audio", on_idle=lambda _: idle.set())
    worker.attach(Owner())
    await worker.start()
    await asyncio.wait_for(idle.wait(), 20)
    await worker.close()
    assert len(lost) == 1
    # It ends by itself after the poem; either may be noticed first.
    assert "nonsense" in lost[0] or "ended" in lost[0]
