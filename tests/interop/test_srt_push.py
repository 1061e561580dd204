"""``gamecast push srt://`` into libsrt's listeners and into our own server."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import judge
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer, command
from tests.support.peers import CURRENT_FFMPEG, require
from tests.support.process import Process

pytestmark = pytest.mark.interop

PASSPHRASE = "correct-horse-battery"


@pytest.fixture(scope="module")
def clip(clips: ClipShelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transport stream: the same delimiters as on the wire."""
    source = clips.get(Clip(seconds=2.0, fps=30, gop_seconds=1.0))
    path = tmp_path_factory.mktemp("srt-push") / "clip.ts"
    judge.run(
        *(require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-i", source, "-c", "copy", path)
    )
    return path


def free_port() -> int:
    """A UDP port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def push(clip: Path, url: str, *options: str, timeout: float = 40) -> tuple[int, str]:
    """Publish a file unit by unit; exit status and what was said on standard error."""
    done = subprocess.run(
        command("push", "--file", clip, "--encoder", "copy", *options, url),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def units(path: Path, kind: str) -> list[str]:
    """Hashes of access units, without the start codes that every muxer writes in its own way."""
    plain = path.with_suffix(".mkv")
    if not plain.exists():
        judge.run(
            *(require(CURRENT_FFMPEG), "-v", "fatal", "-nostdin", "-i", path, "-c", "copy", plain)
        )
    return [unit.hash for unit in judge.units(plain, kind)]


def assert_same(got: Path, clip: Path) -> None:
    """All units of both tracks came, unchanged and in order, and no decoder finds fault."""
    for kind in ("v", "a"):
        assert units(got, kind) == units(clip, kind)
    judge.assert_clean(got)


@pytest.mark.parametrize(
    ("ffmpeg", "theirs", "ours"),
    [("ffmpeg", "&pbkeylen=32", "pbkeylen=32"), (CURRENT_FFMPEG, "", "latency=200&cryptomode=2")],
    ids=["5.1 AES-256", "current AES-GCM"],
)
def test_ffmpeg_receives_every_unit(
    clip: Path, tmp_path: Path, ffmpeg: str, theirs: str, ours: str
) -> None:
    got, port = tmp_path / "got.ts", free_port()
    source = f"srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}{theirs}"
    listen = [require(ffmpeg), "-v", "warning", "-nostdin", "-i", source, "-c", "copy", str(got)]
    with Process(listen, log=tmp_path / "ffmpeg.log") as listener:
        url = f"srt://127.0.0.1:{port}?passphrase={PASSPHRASE}&{ours}"
        status, said = push(clip, url, "--keep-trying")
        assert status == 0, said
        listener.wait(20)
    assert_same(got, clip)


def test_srt_live_transmit_receives_every_unit(clip: Path, tmp_path: Path) -> None:
    got, port = tmp_path / "got.ts", free_port()
    source = f"srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}&pbkeylen=24"
    with got.open("wb") as output:
        listener = subprocess.Popen(
            [require("srt-live-transmit"), "-q", "-a:no", source, "file://con"],
            stdin=subprocess.DEVNULL,
            stdout=output,
        )
        try:
            url = f"srt://127.0.0.1:{port}?passphrase={PASSPHRASE}&pbkeylen=24&streamid=any"
            status, said = push(clip, url, "--keep-trying")
            assert status == 0, said
            listener.wait(20)
        finally:
            listener.kill()
            listener.wait()
    assert_same(got, clip)


@pytest.fixture
def quick_server(tmp_path: Path) -> Iterator[GamecastServer]:
    """One that does not wait for publishers that have left."""
    settings = {"GAMECAST_STREAM__GRACE_SECONDS": "1"}
    with GamecastServer(tmp_path, settings=settings) as running:
        yield running


def test_our_server_takes_a_push_and_names_a_wrong_key(
    quick_server: GamecastServer, clip: Path, tmp_path: Path
) -> None:
    server = quick_server
    base = server.play_url("srt").partition("?")[0]
    target = f"{base}?streamid=#!::r=live/main,m=publish,s={server.new_key('main')}&latency=200"
    pushing = command("push", "--file", clip, "--loop", "--encoder", "copy", target)
    with Process(pushing, log=tmp_path / "push.log") as publisher:
        assert server.wait_on_air()["publisher"]["protocol"] == "srt"
        status, said = push(clip, f"{base}?streamid=publish:live/main::guessed")
        assert status != 0
        assert "not allowed (code 1403)" in said
        assert "guessed" not in said
        assert publisher.stop() == 0
    server.wait_off_air()


@pytest.mark.parametrize(
    ("passphrase", "words"),
    [("&passphrase=another-horse", "wrong passphrase"), ("", "one side has a passphrase")],
)
def test_a_passphrase_that_does_not_fit_is_named(
    clip: Path, tmp_path: Path, passphrase: str, words: str
) -> None:
    port = free_port()
    source = f"srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}"
    listen = [require("srt-live-transmit"), "-loglevel:note", source, "file://con"]
    with Process(listen, log=tmp_path / "listener.log"):
        status, said = push(clip, f"srt://127.0.0.1:{port}?streamid=x{passphrase}")
    assert status != 0
    assert words in said
    assert "another-horse" not in said
