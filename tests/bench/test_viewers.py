"""Light viewers over a socket: what they say while they watch."""

from __future__ import annotations

import socket
import time

import pytest

from gamecast.bench import viewers
from gamecast.bench.openings import sign_of_life
from gamecast.bench.viewers import StreamCrowd
from gamecast.protocols.rtmp.messages import u32


def test_an_rtmp_viewer_shows_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "_SIGN_SECONDS", 0.05)
    media = bytes(300)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        crowd = StreamCrowd([(listener.getsockname(), lambda _: media)], sign_of_life("rtmp"))
        crowd.grow(1, sample=1)
        server, _ = listener.accept()
        with server:
            crowd.run(time.monotonic() + 0.2)
            server.settimeout(5)
            said = server.recv(16)
        crowd.close()
    assert said[0] == 2, "chunk stream 2, a full header"
    assert said[4:7] == (4).to_bytes(3, "big")
    assert said[7] == 3, "Acknowledgement"
    assert said[12:] == u32(len(media))


@pytest.mark.parametrize("scheme", ["http", "srt"])
def test_others_need_not(scheme: str) -> None:
    assert sign_of_life(scheme) is None
