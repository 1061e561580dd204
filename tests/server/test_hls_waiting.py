"""The waiting room: who is told what when, and that nothing stays of those who have left."""

from __future__ import annotations

import asyncio
import gc
import weakref

from gamecast.server.hls_waiting import WaitingRoom
from tests.support.clock import FakeClock
from tests.support.events import until


class Waiter:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[bool] = []

    def told(self, in_time: bool) -> None:
        self.heard.append(in_time)


async def test_those_are_told_whose_part_is_there(clock: FakeClock) -> None:
    room = WaitingRoom(clock=clock)
    first, same, next_part, next_segment = waiters = [Waiter() for _ in range(4)]
    for waiter, place in zip(waiters, [(7, 1), (7, 1), (7, 2), (8, 0)], strict=True):
        room.enter(*place, waiter.told, patience=3)
    assert len(room) == 4
    room.release(lambda msn, part: (msn, part) < (7, 2))
    assert [waiter.heard for waiter in waiters] == [[True], [True], [], []]
    assert len(room) == 2
    room.release(lambda msn, part: (msn, part) < (8, 0))
    assert next_part.heard == [True]
    assert next_segment.heard == []
    room.release(lambda msn, part: True)
    assert first.heard == same.heard == next_segment.heard == [True]
    assert len(room) == 0


async def test_each_has_its_own_time(clock: FakeClock) -> None:
    room = WaitingRoom(clock=clock)
    early, late = Waiter(), Waiter()
    room.enter(1, 0, early.told, patience=3)
    clock.advance(2)
    room.enter(1, 0, late.told, patience=3)
    room.expire()
    assert early.heard == []
    clock.advance(1)
    room.expire()
    assert (early.heard, late.heard) == ([False], [])
    clock.advance(2)
    room.expire()
    assert late.heard == [False]
    assert len(room) == 0


async def test_the_timer_goes_on_for_whoever_waits_longer() -> None:
    room = WaitingRoom(clock=asyncio.get_running_loop().time)
    short, long = Waiter(), Waiter()
    room.enter(1, 0, short.told, patience=0.01)
    room.enter(1, 1, long.told, patience=0.05)
    await until(lambda: long.heard, "the end of the longer patience", within=5)
    assert short.heard == long.heard == [False]


async def test_nothing_stays_of_who_has_left(clock: FakeClock) -> None:
    room = WaitingRoom(clock=clock)
    waiter = Waiter()
    other = Waiter()
    gone = weakref.ref(waiter)
    room.enter(1, 0, waiter.told, patience=3)
    room.enter(1, 0, other.told, patience=3)
    room.leave(1, 0, waiter.told)
    room.leave(1, 0, waiter.told)
    room.leave(9, 9, waiter.told)
    assert len(room) == 1
    room.release(lambda msn, part: True)
    assert (waiter.heard, other.heard) == ([], [True])
    del waiter
    gc.collect()
    assert gone() is None


async def test_a_room_in_which_nobody_waits_holds_nothing(clock: FakeClock) -> None:
    """Its timer would keep it, and the stream's parts with it, for the rest of the patience."""
    room = WaitingRoom(clock=clock)
    waiter = Waiter()
    gone = weakref.ref(room)
    room.enter(1, 0, waiter.told, patience=3600)
    room.leave(1, 0, waiter.told)
    room.enter(1, 0, waiter.told, patience=3600)
    room.release(lambda msn, part: True)
    del room
    gc.collect()
    assert gone() is None
