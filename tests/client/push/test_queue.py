import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.push.queue import Priority, SendQueue, priority
from gamecast.media.packet import Packet
from tests.support.media import aac_track, h264_track

VIDEO, AUDIO = h264_track(), aac_track()
DISPOSABLE, REFERENCE, KEYFRAME = 0x01, 0x41, 0x65


def picture(frame: int, kind: int = REFERENCE, fps: int = 30) -> Packet:
    dts = frame * 90_000 // fps
    data = b"\0\0\0\x05" + bytes([kind]) + frame.to_bytes(4, "big")
    return Packet(VIDEO, dts, dts, data, keyframe=kind == KEYFRAME)


def sound(number: int) -> Packet:
    return Packet(AUDIO, number * 1024, number * 1024, b"\x21" + number.to_bytes(4, "big"))


def kind_of(frame: int, group: int) -> int:
    if frame % group == 0:
        return KEYFRAME
    return DISPOSABLE if frame % 2 else REFERENCE


def feed(queue: SendQueue, seconds: float, *, start: int = 0, group: int = 60) -> None:
    """Every second picture may be dropped; sound in between."""
    for frame in range(start, start + round(seconds * 30)):
        queue.push(picture(frame, kind_of(frame, group)))
        for number in range(frame * 48_000 // 30 // 1024, (frame + 1) * 48_000 // 30 // 1024):
            queue.push(sound(number))


def drain(queue: SendQueue) -> list[Packet]:
    packets = []
    while (packet := queue.pop()) is not None:
        packets.append(packet)
    return packets


def decodable(packets: list[Packet], sent: dict[int, int], group: int) -> bool:
    """Whether every picture comes after all the references it needs."""
    have: set[int] = set()
    for packet in packets:
        if not packet.is_video:
            continue
        frame = sent[packet.dts]
        start = frame - frame % group
        needed = [each for each in range(start, frame) if kind_of(each, group) != DISPOSABLE]
        if not have.issuperset(needed):
            return False
        have.add(frame)
    return True


def test_priorities() -> None:
    assert priority(picture(0, KEYFRAME)) is Priority.KEYFRAME
    assert priority(picture(1, REFERENCE)) is Priority.REFERENCE
    assert priority(picture(1, DISPOSABLE)) is Priority.DISPOSABLE
    assert priority(sound(0)) is Priority.AUDIO
    broken = Packet(VIDEO, 0, 0, b"\xff\xff", keyframe=False)
    assert priority(broken) is Priority.REFERENCE


def test_a_short_queue_drops_nothing_and_keeps_the_order() -> None:
    queue = SendQueue()
    feed(queue, 0.6)
    assert queue.take_dropped() == 0
    packets = drain(queue)
    assert len([packet for packet in packets if packet.is_video]) == 18
    assert queue.bytes == 0
    assert queue.duration() == 0


def test_first_go_the_pictures_that_nothing_refers_to() -> None:
    queue = SendQueue()
    feed(queue, 0.8)
    assert queue.take_dropped() > 0
    kinds = {priority(packet) for packet in drain(queue)}
    assert Priority.REFERENCE in kinds
    assert Priority.KEYFRAME in kinds


def test_then_everything_up_to_the_next_keyframe() -> None:
    queue = SendQueue()
    feed(queue, 1.5)
    packets = drain(queue)
    assert {priority(packet) for packet in packets} == {Priority.KEYFRAME, Priority.AUDIO}
    feed(queue, 1.0, start=45)
    kept = [packet.dts // 3000 for packet in drain(queue) if packet.is_video]
    assert kept[0] == 60
    assert queue.take_dropped() > 0


def test_then_whole_groups_keyframes_and_all() -> None:
    queue = SendQueue()
    feed(queue, 9.9)
    packets = drain(queue)
    keyframes = [packet for packet in packets if packet.is_video]
    assert [packet.dts // 3000 for packet in keyframes] == [240]
    assert len(packets) - len(keyframes) > 450  # all the sound


def test_sound_is_never_dropped() -> None:
    queue = SendQueue()
    feed(queue, 20)
    numbers = [packet.dts // 1024 for packet in drain(queue) if not packet.is_video]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_what_is_thrown_away_at_once_counts_as_dropped() -> None:
    queue = SendQueue()
    feed(queue, 0.5)
    queue.clear()
    assert queue.take_dropped() == 15
    assert queue.take_dropped() == 0
    assert len(queue) == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([15, 30, 60]))
def test_what_is_sent_can_always_be_decoded(seed: int, group: int) -> None:
    """The line takes packets at random moments; no picture goes out without its references."""
    chance = random.Random(seed)
    queue = SendQueue()
    out: list[Packet] = []
    sent: dict[int, int] = {}
    stalled = 0
    for frame in range(300):
        packet = picture(frame, kind_of(frame, group))
        sent[packet.dts] = frame
        queue.push(packet)
        queue.push(sound(frame))
        if stalled:
            stalled -= 1
            continue
        stalled = chance.choice([0] * 30 + [20, 40, 90])
        taken = [queue.pop() for _ in range(chance.randrange(5))]
        out += [each for each in taken if each is not None]
    out += drain(queue)
    assert decodable(out, sent, group)
    times = [packet.dts for packet in out if packet.is_video]
    assert times == sorted(times)
    assert len([packet for packet in out if not packet.is_video]) == 300
    assert queue.take_dropped() + len(times) == 300
