"""What viewers say over a WebSocket, frame by frame, without a socket (RFC 6455 section 5)."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.server.http.websocket import Listener
from tests.server.http.test_websocket import frame

PING, PONG, CLOSE = 9, 10, 8
MOST_OF_A_LIFE = 1024 * 1024


class Heard:
    """A listener, what it writes, and whether it has had enough."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = 0
        self.listener = Listener(self.written.append, self._close)

    def _close(self) -> None:
        self.closed += 1

    def say(self, *parts: bytes) -> None:
        """As the connection does: nothing more once it is closed."""
        for part in parts:
            if not self.closed:
                self.listener.data_received(part)


FRAMES = st.lists(
    st.builds(
        frame,
        st.sampled_from([0, 1, 2, PING, PONG, CLOSE, 3, 0x40 | PING]),
        st.binary(max_size=130),
        length=st.one_of(st.none(), st.sampled_from([0, 125, 126, 65_536, 2**62, 2**63])),
    ),
    max_size=6,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(FRAMES, st.lists(st.integers(0, 400), max_size=4))
def test_frames_mean_the_same_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    whole, cut = Heard(), Heard()
    whole.say(data)
    places = [0, *sorted(cuts), len(data)]
    cut.say(*(data[a:b] for a, b in pairwise(places)))
    assert b"".join(cut.written) == b"".join(whole.written)
    assert (cut.closed > 0) == (whole.closed > 0)
    assert sum(map(len, whole.written)) <= len(data) + 10, "no answer is larger than its question"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_noise_closes_or_is_nothing(data: bytes) -> None:
    heard = Heard()
    heard.say(data)
    assert sum(map(len, heard.written)) <= len(data) + 60


def test_a_ping_is_answered_and_a_frame_without_its_end_is_not_kept_for_ever() -> None:
    heard = Heard()
    heard.say(frame(PING, b"abc"))
    assert heard.written == [b"\x8a\x03abc"]
    heard.say(frame(2, b"", length=2**40), *[bytes(65_536)] * 20)
    assert heard.closed
