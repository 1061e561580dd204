"""Publishers of every protocol against a whole server: every frame reaches a viewer."""

from __future__ import annotations

import json
import signal
import subprocess

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


def test_what_was_published_is_said_as_json(server: GamecastServer) -> None:
    assert server.process is not None
    arguments = command("bench", "publish", f"{server.rtmp}/live/said{{n}}", "-n", "2")
    done = subprocess.run(
        [
            *(*arguments, "--fps", "30", "--bitrate", "1", "--duration", "2"),
            *("--json", "--pid", str(server.process.pid)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = json.loads(done.stdout)
    assert (said["publishers"], said["frames"]) == (2, 2 * 2 * 30)
    assert 2 * 0.7e6 < said["bits_per_second"] < 2 * 1.5e6
    assert said["cpu"] > 0
    assert said["cpu_per_publisher"] == said["cpu"] / 2
    assert said["memory"] > 2**24
    assert done.stderr == "2 publishing\n", "no line of progress where nobody watches"


def test_a_run_without_end_has_its_table_when_somebody_ends_it(server: GamecastServer) -> None:
    arguments = command("bench", "publish", f"{server.rtmp}/live/ended", "--bitrate", "1")
    with Process(arguments, log=server.folder / "ended.log") as process:
        process.wait_for_output("1 publishing", timeout=30)
        server.wait_on_air("ended")
        process.signal(signal.SIGINT)
        assert process.wait() == 0
    assert "\nframes         " in process.output
    assert "target's CPU" not in process.output
