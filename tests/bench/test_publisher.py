"""Publishers of every protocol against a whole server: every frame reaches a viewer."""

from __future__ import annotations

import pytest

from gamecast.bench.watch import WatchSettings, watch
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer, command
from tests.support.process import Process


@pytest.mark.parametrize(
    ("protocol", "options"),
    [("rtmp", ("--b-frames", "2")), ("srt", ("--b-frames", "2")), ("whip", ())],
)
def test_two_publishers_of_a_protocol(
    server: GamecastServer, protocol: str, options: tuple[str, ...]
) -> None:
    urls = {
        "rtmp": f"{server.rtmp}/live/{protocol}{{n}}",
        "srt": f"{server.ready['srt']}?streamid=publish:live/{protocol}{{n}}",
        "whip": f"{server.http}/live/{protocol}{{n}}/whip",
    }
    arguments = command(
        "bench", "publish", urls[protocol], "-n", "2", "--bitrate", "1", "--fps", "30"
    )
    process = Process(
        [*arguments, "--keyframe-interval", "1", "--protocol", protocol, *options],
        log=server.folder / f"{protocol}.log",
    )
    with process:
        wait_until(lambda: "2 publishing" in process.output, "publishers", within=30)
        names = [f"{protocol}1", f"{protocol}2"]
        for name in names:
            server.wait_on_air(name)
        settings = WatchSettings(viewers=2, seconds=1.5, settle_seconds=0.5)
        result = watch([server.play_url("flv", name) for name in names], settings)
        assert process.running, process.output
    assert result.complete, result
    assert result.frames >= 2 * 1.5 * 30 * 0.7


def test_webrtc_takes_no_b_frames(server: GamecastServer) -> None:
    arguments = command("bench", "publish", f"{server.http}/live/x/whip", "--b-frames", "2")
    with Process(arguments, log=server.folder / "refused.log") as process:
        wait_until(lambda: not process.running, "the refusal", within=20)
    assert "B-frames" in process.output
