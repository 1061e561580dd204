"""``gamecast push`` as a user runs it, against other people's servers and our own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner, Result

from gamecast.cli.main import app
from gamecast.client.push.target import KEY_VARIABLE
from gamecast.net.tcp import bind
from tests.client.capture.x11.conftest import painter, screen
from tests.client.capture.x11.windows import Painter
from tests.client.rtmp_peer import RtmpPeer
from tests.support import judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer, command
from tests.support.peers import require
from tests.support.process import Process

__all__ = ["painter", "screen"]
SMALL = ["--test", "--size", "320x180"]


def free_port() -> int:
    with bind("127.0.0.1", 0) as sock:
        port: int = sock.getsockname()[1]
    return port


def run(
    *arguments: str | Path, key: str = "", timeout: float = 30
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, KEY_VARIABLE: key} if key else None
    return subprocess.run(
        command("push", *arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> ClipShelf:
    return ClipShelf(tmp_path_factory.mktemp("clips"))


# Real servers ------------------------------------------------------------------------------------


@pytest.mark.interop
def test_ffmpeg_gets_a_file_unit_by_unit(tmp_path: Path, shelf: ClipShelf) -> None:
    url, got = f"rtmp://127.0.0.1:{free_port()}/live/key", tmp_path / "got.flv"
    clip = shelf.get(Clip(seconds=2.0, fps=30))
    listen = [require("ffmpeg"), "-v", "warning", "-nostdin", "-listen", "1", "-i", url]
    with Process([*listen, "-c", "copy", got], log=tmp_path / "ffmpeg.log") as server:
        done = run("--file", clip, "--encoder", "copy", "--keep-trying", url)
        server.wait()
    assert done.returncode == 0, done.stderr
    assert [unit.hash for unit in judge.units(got)] == [unit.hash for unit in judge.units(clip)]
    assert [unit.hash for unit in judge.units(got, "a")] == [
        unit.hash for unit in judge.units(clip, "a")
    ]
    judge.assert_clean(got)


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
load_module {module};
events {{ worker_connections 64; }}
rtmp {{ server {{
  listen 127.0.0.1:{port}; chunk_size 4096;
  application live {{ live on; record all; record_path {folder}; record_suffix .flv; }}
}} }}
"""
NGINX_MODULES = (
    "/usr/lib/nginx/modules/ngx_rtmp_module.so",
    "/usr/lib64/nginx/modules/ngx_rtmp_module.so",
)


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """nginx-rtmp: its port, and the folder in which it records."""
    program = require("nginx")
    module = next((path for path in NGINX_MODULES if Path(path).exists()), None)
    if module is None:
        pytest.skip("no RTMP module for nginx: apt install libnginx-mod-rtmp")
    folder, port = tmp_path / "nginx", free_port()
    folder.mkdir()
    configuration = folder / "nginx.conf"
    text = NGINX.format(folder=folder, port=port, module=module)
    # As root, nginx would give up its rights and not be able to write into our folder.
    configuration.write_text(("user root;" if os.geteuid() == 0 else "") + text)
    with Process([program, "-c", configuration], log=folder / "nginx.log") as process:
        wait_until(lambda: (folder / "nginx.pid").exists() or not process.running, "nginx")
        assert process.running, process.output
        yield port, folder


@pytest.fixture
def stalling(tmp_path: Path) -> Iterator[str]:
    """A server, ffmpeg, that stops reading as soon as something has come; where to publish."""
    url, log = f"rtmp://127.0.0.1:{free_port()}/live/S3CRET", tmp_path / "stalling.log"
    listen = [require("ffmpeg"), "-nostdin", "-probesize", "4096", "-listen", "1", "-i", url]
    with Process([*listen, "-c", "copy", "-f", "null", "-"], log=log) as server:

        def stop() -> None:
            server.wait_for_output("Input #0", timeout=30)
            server.signal(signal.SIGSTOP)

        stopping = threading.Thread(target=stop)
        stopping.start()
        yield url
        stopping.join()


@pytest.mark.interop
def test_nginx_rtmp_records_all_that_we_push_though_another_server_stalls(
    nginx: tuple[int, Path], stalling: str, tmp_path: Path
) -> None:
    port, folder = nginx
    mine, theirs = tmp_path / "mine.flv", folder / "show.flv"
    url = f"rtmp://127.0.0.1:{port}/live/show"
    size = ["--test", "--size", "640x360", "--bitrate", "4M"]
    done = run(*size, "--duration", "3", "--keep-trying", "--json", url, stalling, mine, timeout=60)
    assert done.returncode == 1
    (problem,) = done.stderr.splitlines()
    assert problem.startswith(f"gamecast: {stalling.replace('S3CRET', '****')}: takes no more data")
    summary = json.loads(done.stdout.splitlines()[-1])
    served, stalled, recorded = summary["destinations"]
    assert stalled["dropped"] > 15
    assert served["dropped"] == recorded["dropped"] == 0
    wait_until(theirs.exists, "nginx's recording")
    pictures = [unit.hash for unit in judge.units(mine)]
    wait_until(lambda: len(judge.units(theirs)) == len(pictures), "all of it")
    assert [unit.hash for unit in judge.units(theirs)] == pictures
    sound = [unit.hash for unit in judge.units(mine, "a")]
    assert [unit.hash for unit in judge.units(theirs, "a")] == sound
    judge.assert_clean(theirs)


@pytest.mark.interop
def test_our_own_server_takes_every_codec(tmp_path: Path) -> None:
    settings = {"GAMECAST_AUTH__PUBLISH": "open"}
    with GamecastServer(tmp_path, settings=settings) as server:
        for codec, audio in (("h264", "aac"), ("hevc", "aac"), ("av1", "opus")):
            name = f"codec-{codec}"
            arguments = [*SMALL, "--codec", codec, "--audio-codec", audio]
            with Process(
                command("push", *arguments, f"{server.rtmp}/live/{name}"),
                log=tmp_path / f"{codec}.log",
            ) as push:
                stream = server.wait_on_air(name)
                assert push.stop() == 0, push.output
            assert {track["codec"] for track in stream["tracks"]} == {codec, audio}
            assert stream["publisher"]["software"]


@pytest.mark.interop
def test_destinations_that_fail_are_named_and_leave_the_others_alone(tmp_path: Path) -> None:
    """Wrong keys in every protocol, a full disk, no folder, no server; one that is right."""
    recording, full = tmp_path / "game.mp4", tmp_path / "full.mp4"
    full.symlink_to("/dev/full")
    with GamecastServer(tmp_path) as server:
        key = server.new_key("main")
        wrong = "wrong" + key[5:]
        srt = f"{server.ready['srt']}?passphrase=not-the-right-one&streamid={wrong}"
        whip = server.http.replace("http:", "whip:") + f"/whip?key={wrong}"
        bad: list[str | Path] = [f"{server.rtmp}/live/{wrong}", srt, whip]
        bad += [full, "/no/such/a.mp4", NO_PORT]
        good: list[str | Path] = [server.publish_url(key), recording]
        done = run(*SMALL, "--duration", "2", "--json", *bad, *good, timeout=60)
        served = "stream.publisher_lost channel=main" in server.log
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    for line, reason in zip(
        lines,
        (
            "refused: denied (NetStream.Publish.Denied); is the stream key right?",
            "refused: no such stream on air (code 1404); is the stream key right?",
            "refused: access denied (HTTP 403); is the stream key right?",
            f"cannot write {full}: No space left on device; what was written before plays",
            "cannot write /no/such/a.mp4: there is no folder /no/such",
            "127.0.0.1:1 refuses connections (is the server running?)",
        ),
        strict=True,
    ):
        assert line.startswith("gamecast: ")
        assert line.endswith(reason)
    for secret in (key, wrong[5:], "not-the-right-one", "S3CRET"):
        assert secret not in done.stdout + done.stderr + server.log
    assert served
    summary = json.loads(done.stdout.splitlines()[-1])
    states = [each["state"] for each in summary["destinations"]]
    assert states == ["failed"] * len(bad) + ["ended"] * len(good)
    assert summary["dropped"] == 0
    judge.assert_clean(recording)
    assert len(judge.units(recording)) > 20


# What is printed ---------------------------------------------------------------------------------


def test_json_lines_and_status_for_programs(tmp_path: Path) -> None:
    with RtmpPeer() as peer:
        done = run(*SMALL, "--duration", "2.3", "--json", peer.url("S3CRET"), tmp_path / "a.mp4")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "S3CRET" not in done.stdout
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["status", "status", "summary"]
    status, summary = lines[1], lines[-1]
    assert 20 < status["fps_encoded"] < 40
    assert status["bitrate"] > 50_000
    assert [each["state"] for each in status["destinations"]] == ["live", "live"]
    assert summary["ok"] is True
    assert summary["problems"] == []
    assert 2.2 < summary["seconds"] < 4


def test_plain_lines_without_a_terminal() -> None:
    with RtmpPeer() as peer:
        done = run(*SMALL, "--duration", "0.5", peer.url("S3CRET"))
    assert done.returncode == 0
    assert "libx264, 320x180 at 30 fps" in done.stdout
    assert "rtmp://127.0.0.1" in done.stdout
    assert "S3CRET" not in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_an_orderly_way(tmp_path: Path, number: signal.Signals) -> None:
    with RtmpPeer() as peer:
        with Process(command("push", *SMALL, peer.url()), log=tmp_path / "log") as push:
            peer.wait_for(lambda: bool(peer.publications and peer.publications[0].pictures))
            push.signal(number)
            assert push.wait() == 0, push.output
        peer.wait_for(lambda: peer.publications[0].stopped)
    assert "pushed 0:00:" in push.output


NO_PORT = "rtmp://127.0.0.1:1/live/S3CRET"
USAGE = [
    ([], "where to? Add a destination"),
    (["--test"], "where to? Add a destination"),
    ([NO_PORT], "nothing to push"),
    (["--test", "--file", "a.mp4", NO_PORT], "one source at a time"),
    (["--test", "--loop", NO_PORT], "--loop goes with --file"),
    (["--test", "--encoder", "copy", NO_PORT], "--encoder copy goes with --file"),
    (["--test", "--encoder", "best", NO_PORT], "choose from auto"),
    (["--test", "--codec", "vp9", NO_PORT], "choose from h264"),
    (["--test", "--size", "3x3", NO_PORT], "3x3"),
    (["--test", "--bitrate", "lots", NO_PORT], "not a bitrate"),
    (["--test", "--fps", "0", NO_PORT], "frames per second"),
    (["--region", "9", NO_PORT], "not a region"),
    (["--test", "rtmp://host"], "no application"),
    (["--test", "rtmp://host/S3CRET"], "use rtmp://host/live/KEY"),
    (["--test", "rtmp://host:port/live/S3CRET"], "bad rtmp:// URL"),
    (["--test", "srt://host?streamid=S3CRET&passphrase=S3CRET"], "10 to 79 bytes"),
    (["--test", "whip://S3CRET@host/x"], "use ?key=KEY"),
    (["--test", "ftp://host/S3CRET"], "unknown kind of destination"),
    (["--test", "nowhere"], "neither a URL"),
]
FAILING = [
    (["--test", "--encoder", "vaapi", NO_PORT], "leave out --encoder"),
    (["--test", "--audio", "no such sound", NO_PORT], "'gamecast devices'"),
    (["--test", "--mic", "no such sound", NO_PORT], "'gamecast devices'"),
    (["--file", "/no/such.mp4", NO_PORT], "No such file"),
    (["--file", "/etc/passwd", NO_PORT], "Invalid data"),
    ([*SMALL, NO_PORT], "refuses connections"),
    ([*SMALL, "whip://127.0.0.1:1/whip?key=S3CRET"], "refuses connections"),
    ([*SMALL, "rtmp://no-such-host.invalid/live/S3CRET"], "no such host: no-such-host.invalid"),
    ([*SMALL, "/no/such/folder/a.mp4"], "there is no folder /no/such/folder"),
]
ON_A_SCREEN = [
    (["--window", "chess", NO_PORT], "no window matches 'chess'; there are: 'Game'"),
    (["--window", "(", NO_PORT], "no regular expression"),
    (["--screen", "7", NO_PORT], "no screen 7; there are: 0 (screen)"),
    (["--region", "64x64+9000+0", NO_PORT], "not on the screen, which is 640x360"),
]
WITHOUT_A_SCREEN = [["--screen"], ["--window", "chess"], ["--region", "64x64+0+0"]]


def assert_one_clear_line(
    arguments: list[str], status: int, problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Through the command line, in this process: to start Python each time would take long."""
    done = CliRunner().invoke(app, ["push", *arguments])
    printed = done.output + "".join(capfd.readouterr())
    assert done.exit_code == status, printed
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gamecast: ")
    assert "S3CRET" not in printed
    assert printed == done.output, "a library talks to the terminal"


@pytest.mark.parametrize(("arguments", "problem"), USAGE)
def test_every_mistake_is_one_clear_line(
    arguments: list[str], problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert_one_clear_line(arguments, 2, problem, capfd)


@pytest.mark.parametrize(("arguments", "problem"), FAILING)
def test_so_is_everything_that_fails(
    arguments: list[str], problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert_one_clear_line(arguments, 1, problem, capfd)


@pytest.mark.parametrize(("arguments", "problem"), ON_A_SCREEN)
def test_so_is_what_is_not_on_the_screen(
    arguments: list[str],
    problem: str,
    screen: dict[str, str],
    painter: Painter,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", screen["DISPLAY"])
    painter.create("Game", x=0, y=0, width=100, height=80)
    assert_one_clear_line(arguments, 1, problem, capfd)


@pytest.mark.parametrize("source", WITHOUT_A_SCREEN)
@pytest.mark.parametrize(
    ("display", "problem"),
    [("", "run it in a terminal of the desktop"), (":94321", "is DISPLAY that of the desktop?")],
)
def test_so_is_a_display_that_is_not_there(
    source: list[str],
    display: str,
    problem: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert_one_clear_line([*source, NO_PORT], 1, problem, capfd)


def test_the_process_ends_with_that_status() -> None:
    for arguments, status in (["--test"], 2), (["--file", "/no/such.mp4", NO_PORT], 1):
        done = run(*arguments)
        assert done.returncode == status
        assert done.stderr.count("\n") == 1


def process_list(pid: int) -> str:
    """What everybody on the machine sees of a process and of those that it started."""
    root = psutil.Process(pid)
    return "\n".join(
        f"{process.name()} {process.cmdline()}"
        for process in [root, *root.children(recursive=True)]
    )


def test_a_running_push_is_driven_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def ctl(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["ctl", *arguments])

    assert "no push is running" in ctl("status").stderr
    with RtmpPeer() as peer:
        arguments = command("push", *SMALL, "--replay", "5", peer.url("").rstrip("/"))
        with Process(arguments, log=tmp_path / "log", env={KEY_VARIABLE: "S3CRET"}) as push:
            peer.wait_for(
                lambda: bool(peer.publications) and len(peer.publications[0].pictures) > 20
            )
            assert peer.publications[0].name == "S3CRET"
            assert "S3CRET" not in process_list(push.pid)
            status = ctl("status")
            assert json.loads(status.stdout)["replay_seconds"] == 5
            assert "S3CRET" not in status.stdout
            saved = ctl("replay", "save.mp4")
            assert str(tmp_path / "save.mp4") in saved.stdout, saved.stderr
            assert ctl("bitrate", "200k").stdout.strip() == "bitrate: 200000"
            assert "no command 'dance'" in ctl("dance").stderr
            subprocess.run(command("ctl", "stop"), timeout=30, check=True)
            assert push.wait() == 0, push.output
            assert "S3CRET" not in push.output
    assert len(judge.units(tmp_path / "save.mp4")) > 10
