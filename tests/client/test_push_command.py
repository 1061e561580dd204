"""``gamecast push`` as a user runs it, against other people's servers and our own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gamecast.net.tcp import bind
from tests.client.rtmp_peer import RtmpPeer
from tests.support import judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer, command
from tests.support.peers import require
from tests.support.process import Process

SMALL = ["--test", "--size", "320x180"]


def free_port() -> int:
    with bind("127.0.0.1", 0) as sock:
        port: int = sock.getsockname()[1]
    return port


def run(
    *arguments: str | Path, key: str = "", timeout: float = 30
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GAMECAST_PUSH_KEY": key} if key else None
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


@pytest.mark.interop
def test_nginx_rtmp_records_what_we_push(nginx: tuple[int, Path], tmp_path: Path) -> None:
    port, folder = nginx
    mine = tmp_path / "mine.flv"
    url = f"rtmp://127.0.0.1:{port}/live/show"
    done = run(*SMALL, "--duration", "2.5", "--keep-trying", url, mine)
    assert done.returncode == 0, done.stderr
    theirs = folder / "show.flv"
    wait_until(theirs.exists, "nginx's recording")
    wait_until(lambda: len(judge.units(theirs)) == len(judge.units(mine)), "all of it")
    assert [unit.hash for unit in judge.units(theirs)] == [unit.hash for unit in judge.units(mine)]
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
def test_our_own_server_checks_the_key(tmp_path: Path) -> None:
    with GamecastServer(tmp_path) as server:
        key = server.new_key("main")
        url = f"{server.rtmp}/live/main"
        good = run(*SMALL, "--duration", "1", url, key=key)
        bad = run(*SMALL, "--duration", "1", url, key="wrong" + key[5:])
    assert good.returncode == 0, good.stderr
    assert bad.returncode == 1
    assert bad.stderr.count("\n") == 1
    for done in (good, bad):
        assert key[5:] not in done.stdout + done.stderr


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


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        ([NO_PORT], 2, "nothing to push"),
        (["--test", "--file", "a.mp4", NO_PORT], 2, "one source at a time"),
        (["--test", "--loop", NO_PORT], 2, "--loop goes with --file"),
        (["--test", "--encoder", "copy", NO_PORT], 2, "--encoder copy goes with --file"),
        (["--test", "--encoder", "best", NO_PORT], 2, "choose from auto"),
        (["--test", "--codec", "vp9", NO_PORT], 2, "choose from h264"),
        (["--test", "--size", "3x3", NO_PORT], 2, "3x3"),
        (["--test", "--bitrate", "lots", NO_PORT], 2, "not a bitrate"),
        (["--test", "--fps", "0", NO_PORT], 2, "frames per second"),
        (["--test", "rtmp://host"], 2, "no application"),
        (["--test", "rtmp://host/live"], 2, "GAMECAST_PUSH_KEY"),
        (["--test", "nowhere"], 2, "neither a URL"),
        (["--test", "--encoder", "vaapi", NO_PORT], 1, "vaapi"),
        (["--file", "/no/such.mp4", NO_PORT], 1, "No such file"),
        (["--file", "/etc/passwd", NO_PORT], 1, "Invalid data"),
        ([*SMALL, NO_PORT], 1, "refuses connections"),
        ([*SMALL, "/no/such/folder/a.mp4"], 1, "No such file or directory"),
    ],
)
def test_every_mistake_is_one_clear_line(arguments: list[str], status: int, problem: str) -> None:
    done = run(*arguments)
    assert done.returncode == status, done.stderr
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gamecast: ")
    assert "S3CRET" not in done.stdout + done.stderr


@pytest.mark.parametrize("source", [["--screen"], ["--window", "chess"], ["--region", "64x64+0+0"]])
def test_without_a_display_it_says_so(source: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = run(*source, NO_PORT)
    assert done.returncode == 1
    assert done.stderr == "gamecast: no X display in this session (DISPLAY is not set)\n"


def test_a_running_push_is_driven_from_outside(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}

    def ctl(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("ctl", *arguments),
            capture_output=True,
            text=True,
            timeout=30,
            env=environment,
            cwd=tmp_path,
            check=False,
        )

    assert "no push is running" in ctl("status").stderr
    with RtmpPeer() as peer:
        arguments = command("push", *SMALL, "--replay", "5", peer.url("S3CRET"))
        with Process(arguments, log=tmp_path / "log", env=environment, cwd=tmp_path) as push:
            peer.wait_for(
                lambda: bool(peer.publications) and len(peer.publications[0].pictures) > 20
            )
            status = ctl("status")
            assert json.loads(status.stdout)["replay_seconds"] == 5
            assert "S3CRET" not in status.stdout
            saved = ctl("replay", "save.mp4")
            assert str(tmp_path / "save.mp4") in saved.stdout, saved.stderr
            assert ctl("bitrate", "200k").stdout.strip() == "bitrate: 200000"
            assert "no command 'dance'" in ctl("dance").stderr
            assert ctl("stop").returncode == 0
            assert push.wait() == 0, push.output
    assert len(judge.units(tmp_path / "save.mp4")) > 10
