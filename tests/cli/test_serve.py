from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.events import wait_until
from tests.support.gamecast import ANY_PORTS, GamecastServer, command
from tests.support.process import Process

KEY = re.compile(r"gc_[a-z2-7]{32}")
PASSWORD = re.compile(r"Admin password +([a-z2-7-]{19})\b")


def _serve(
    tmp_path: Path, *options: str, env: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    arguments = command("serve", "--data-dir", tmp_path / "data", "--host", "127.0.0.1")
    return subprocess.Popen(
        [*arguments, *ANY_PORTS, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )


def _until_ready(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    ready = tmp_path / "data" / "ready.json"
    wait_until(lambda: ready.exists() or process.poll() is not None, "ready.json", within=60)
    assert process.poll() is None, process.communicate()


def _serve_once(tmp_path: Path, *options: str) -> tuple[str, str]:
    """Start, wait until ready, stop with Ctrl+C; what went to stdout and to stderr."""
    process = _serve(tmp_path, *options)
    _until_ready(tmp_path, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out, err


def _refused(*arguments: str | Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and stderr of a ``serve`` that cannot start."""
    done = subprocess.run(
        command("serve", *arguments),
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, **(env or {})},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_the_first_start_prints_its_secrets_once_and_only_to_stdout(tmp_path: Path) -> None:
    out, err = _serve_once(tmp_path, "--log-level", "debug")
    (key,) = KEY.findall(out)
    found = PASSWORD.search(out)
    assert found is not None
    password = found[1]
    assert key not in err
    assert password not in err
    again_out, again_err = _serve_once(tmp_path, "--log-level", "debug", "--log-format", "json")
    for text in (again_out, again_err):
        assert KEY.search(text) is None
        assert password not in text
    for line in again_err.splitlines():
        json.loads(line)
    assert password.encode() not in b"".join(
        file.read_bytes() for file in (tmp_path / "data").iterdir()
    )


def test_the_banner_says_where_everything_is(tmp_path: Path) -> None:
    process = _serve(tmp_path)
    _until_ready(tmp_path, process)
    ready = json.loads((tmp_path / "data" / "ready.json").read_text())
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"{ready['http']}/main" in out
    assert f"{ready['rtmp']}/live" in out


def test_a_port_in_use_is_named_with_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--http-port", "--rtmp-port"):
            status, said = _refused(
                *("--data-dir", tmp_path, "--host", "127.0.0.1", *ANY_PORTS, option, str(port))
            )
            assert (status, said) == (
                1,
                f"gamecast: port {port} on 127.0.0.1 is already in use\n",
            )
    assert not (tmp_path / "ready.json").exists()


def test_an_address_that_is_not_ours_is_one_line(tmp_path: Path) -> None:
    status, said = _refused("--data-dir", tmp_path, "--host", "203.0.113.9", *ANY_PORTS)
    assert status == 1
    assert said.startswith("gamecast: ")
    assert said.count("\n") == 1


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, said = _refused("--data-dir", tmp_path / "file" / "x", *ANY_PORTS)
    assert status == 1
    assert f"{tmp_path}/file/x" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[http]\nport = 70000\n", "http.port = 70000"),
        ("[http]\nprot = 1\n", "unknown key http.prot = 1"),
        ("[auth]\npublish = 'nobody'\n", "auth.publish = 'nobody'"),
        ("[http\n", "not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_status_2(
    tmp_path: Path, text: str, expected: str
) -> None:
    file = tmp_path / "gamecast.toml"
    file.write_text(text)
    status, said = _refused("--config", file, "--data-dir", tmp_path / "data")
    assert status == 2
    assert str(file) in said
    assert expected in said
    assert not (tmp_path / "data").exists()


def test_mistakes_elsewhere_are_named_with_status_2(tmp_path: Path) -> None:
    here = ("--data-dir", tmp_path / "data")
    for arguments, env, expected in (
        (("--config", tmp_path / "no.toml"), {}, "no.toml: No such file"),
        (("--http-port", "70000"), {}, "--http-port: http.port = 70000"),
        (("--http-port", "x"), {}, "--http-port"),
        (("--log-format", "xml"), {}, "--log-format: server.log_format = 'xml'"),
        ((), {"GAMECAST_RTMP__PORT": "x"}, "GAMECAST_RTMP__PORT: rtmp.port = 'x'"),
        ((), {"GAMECAST_RTMP__PROT": "1"}, "unknown key rtmp.prot = '1'"),
        (("--demo",), {"GAMECAST_RTMP__ENABLED": "no"}, "rtmp.enabled"),
    ):
        status, said = _refused(*here, *arguments, env=env)
        assert (status, expected in said) == (2, True), (arguments, said)


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gamecast.toml"
    file.write_text("[http]\nport = 70000\n[rtmp]\nport = 1\n[server]\nlog_format = 'json'\n")
    env = {"GAMECAST_HTTP__PORT": "70001"}
    process = _serve(tmp_path, "--config", str(file), env=env)
    _until_ready(tmp_path, process)  # on any free ports, as the options say
    process.terminate()
    assert process.wait(60) == 0
    process.communicate()


def test_commands_work_while_the_server_runs(gamecast_server: GamecastServer) -> None:
    server = gamecast_server
    server.run("channel", "add", "second", "--title", "Two")
    key = server.run("key", "create", "second")
    assert KEY.fullmatch(key)
    assert "second" in server.run("channel", "list")
    server.run("key", "revoke", "second")
    server.run("channel", "remove", "second")
    assert "second" not in server.run("channel", "list")
    assert key not in server.log


def test_an_open_server_says_so_at_every_start(tmp_path: Path) -> None:
    settings = {"GAMECAST_AUTH__PUBLISH": "open"}
    with GamecastServer(tmp_path, settings=settings) as server:
        assert "anybody can publish" in server.log


def _demo_children() -> list[tuple[int, str]]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                arguments = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if "gamecast.cli.demo_child" in arguments:
                found.append((int(folder.name), arguments))
    return found


def _demo_child_of(server: GamecastServer) -> int | None:
    """The demo's publisher process, which must not have a key among its arguments."""
    assert server.process is not None
    for pid, arguments in _demo_children():
        if f"demo_child {server.process.pid} " in arguments:
            assert KEY.search(arguments) is None
            return pid
    return None


def test_the_demo_is_on_air_comes_back_when_killed_and_ends_with_the_server(
    tmp_path: Path,
) -> None:
    with GamecastServer(tmp_path, options=("--demo",)) as server:
        stream = server.wait_on_air("demo")
        assert {track["kind"] for track in stream["tracks"]} == {"video", "audio"}
        first = wait_until(lambda: _demo_child_of(server), "the demo's publisher", within=20)
        os.kill(first, signal.SIGKILL)
        second = wait_until(
            lambda: (pid := _demo_child_of(server)) and pid != first and pid,
            "another publisher",
            within=40,
        )
        wait_until(
            lambda: (found := server.stream("demo")) and found["publisher"]["connected"],
            "the demo on air again",
            within=40,
        )
        assert "made by serve --demo" in server.run("key", "list", "demo")
        assert KEY.findall(server.log) == KEY.findall(server.log)[:1]  # the first start's only
        server.stop()
        assert not Path(f"/proc/{second}").exists()
        assert "made by" not in server.run("key", "list", "demo")


def test_the_demo_does_not_outlive_a_killed_server(tmp_path: Path) -> None:
    with GamecastServer(tmp_path, options=("--demo",)) as server:
        child = wait_until(lambda: _demo_child_of(server), "the demo's publisher", within=40)
        server.wait_on_air("demo")
        assert isinstance(server.process, Process)
        server.process.kill()
        server.process = None
        wait_until(lambda: not _runs(child), "the end of the demo", within=40)


def _runs(pid: int) -> bool:
    """Whether the process is there and not just waiting to be reaped."""
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
