from __future__ import annotations

import pytest

from gamecast.protocols.rtmp.states import StreamEvent as E
from gamecast.protocols.rtmp.states import StreamState as S
from gamecast.protocols.rtmp.states import next_state


@pytest.mark.parametrize("state", S)
def test_closing_is_always_allowed(state: S) -> None:
    assert next_state(state, E.CLOSE) is S.IDLE


@pytest.mark.parametrize("state", S)
def test_only_an_idle_stream_may_publish(state: S) -> None:
    assert (next_state(state, E.PUBLISH) is not None) == (state is S.IDLE)


@pytest.mark.parametrize("state", S)
def test_an_idle_or_playing_stream_may_play(state: S) -> None:
    assert (next_state(state, E.PLAY) is not None) == (state in (S.IDLE, S.PLAYING))


@pytest.mark.parametrize("state", S)
def test_only_what_was_asked_for_is_accepted(state: S) -> None:
    publish, play = next_state(state, E.ACCEPT_PUBLISH), next_state(state, E.ACCEPT_PLAY)
    assert publish == (S.PUBLISHING if state is S.PUBLISH_REQUESTED else None)
    assert play == (S.PLAYING if state is S.PLAY_REQUESTED else None)
    assert (next_state(state, E.REJECT) is None) == (state is S.IDLE)
