"""The crowd of TCP viewers by itself."""

from __future__ import annotations

import socket
import time

from gamecast.bench.viewers import StreamCrowd


def test_others_take_the_place_of_viewers_whose_connection_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        crowd = StreamCrowd([(address, lambda sock: b"")])
        try:
            crowd.grow(4, sample=2)
            served = [listener.accept()[0] for _ in range(4)]
            for ended in served[:2]:
                ended.close()
            deadline = time.monotonic() + 10
            while sum(each.closed for each in crowd.figures) < 2 and time.monotonic() < deadline:
                crowd.run(time.monotonic() + 0.02)
            assert [each.closed for each in crowd.figures] == [True, True, False, False]
            crowd.grow(4, sample=2)
            served += [listener.accept()[0] for _ in range(2)]
            for each in served[2:]:
                each.sendall(b"media")
            while any(not each.received for each in crowd.figures) and time.monotonic() < deadline:
                crowd.run(time.monotonic() + 0.02)
            assert [(each.closed, each.received) for each in crowd.figures] == [(False, 5)] * 4
        finally:
            crowd.close()
            for each in served:
                each.close()
