"""ffmpeg, srt-live-transmit and OBS publish to the real server and play from it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gamecast.protocols.srt import Caller, Settings
from tests.server.srt.conftest import PASSPHRASE, srt_url
from tests.support.gamecast import GamecastServer
from tests.support.peers import CURRENT_FFMPEG, require
from tests.support.process import Process

pytestmark = pytest.mark.interop

SECONDS = 12


def clip(folder: Path) -> Path:
    """Twelve seconds of picture and sound as a transport stream."""
    path = folder / "clip.ts"
    subprocess.run(
        [
            *(require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-y"),
            *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=30"),
            *("-f", "lavfi", "-i", "aevalsrc=0.3*sin(2*PI*(220+20*t)*t):s=48000"),
            *("-t", str(SECONDS), "-c:v", "libx264", "-preset", "veryfast", "-g", "30"),
            *("-b:v", "600k", "-c:a", "aac", "-ac", "2", str(path)),
        ],
        check=True,
        timeout=60,
    )
    return path


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is published."""
    return clip(tmp_path_factory.mktemp("media"))


def publish(folder: Path, media: Path, url: str, ffmpeg: str = CURRENT_FFMPEG) -> Process:
    """ffmpeg, at the speed of life and without touching a byte of media."""
    return Process(
        [
            *(require(ffmpeg), "-v", "warning", "-nostdin", "-re", "-i", str(media)),
            *("-c", "copy", "-f", "mpegts", url),
        ],
        log=folder / "publish.log",
    )


def frames(path: Path, kind: str) -> list[str]:
    """Hashes of the frames of one kind, in order."""
    done = subprocess.run(
        [
            *(require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-i", str(path)),
            *("-map", f"0:{kind}:0", "-c", "copy", "-f", "framehash", "-hash", "md5", "-"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if line and line[0] != "#"]
    return [line.split(",")[5].strip() for line in lines]


def assert_part_of(got: list[str], sent: list[str], *, at_least: int) -> None:
    """What was played is a run of what was published, without a gap."""
    assert len(got) >= at_least
    start = sent.index(got[0])
    assert got == sent[start : start + len(got)]


def record(folder: Path, url: str, seconds: float, ffmpeg: str = CURRENT_FFMPEG) -> Path:
    """What ffmpeg plays of a URL."""
    path = folder / f"played{len(list(folder.iterdir()))}.ts"
    subprocess.run(
        [
            *(require(ffmpeg), "-v", "error", "-nostdin", "-y"),
            *("-analyzeduration", "1000000", "-i", url),  # it would look for 5 s
            *("-t", str(seconds), "-c", "copy", "-map", "0", str(path)),
        ],
        check=True,
        timeout=30,
    )
    return path


@pytest.mark.parametrize("ffmpeg", ["ffmpeg", CURRENT_FFMPEG])
def test_ffmpeg_publishes_and_plays_bit_for_bit(
    clear_server: GamecastServer, tmp_path: Path, media: Path, ffmpeg: str
) -> None:
    url = srt_url(clear_server, f"publish:live/main::{clear_server.key}")
    with publish(tmp_path, media, url, ffmpeg):
        found = clear_server.wait_on_air()
        assert found["publisher"]["protocol"] == "srt"
        played = record(tmp_path, srt_url(clear_server, "#!::r=live/main,m=request"), 3, ffmpeg)
        over_http = record(tmp_path, clear_server.play_url("ts"), 1, ffmpeg)
    for path, seconds in ((played, 3), (over_http, 1)):
        assert_part_of(frames(path, "v"), frames(media, "v"), at_least=seconds * 25)
        assert_part_of(frames(path, "a"), frames(media, "a"), at_least=seconds * 40)
    clear_server.wait_off_air()


@pytest.mark.parametrize("form", ["rtmp", "flv", "mp4"])
def test_every_other_protocol_plays_what_srt_publishes(
    clear_server: GamecastServer, tmp_path: Path, media: Path, form: str
) -> None:
    url = srt_url(clear_server, clear_server.key)  # as one types it into OBS
    with publish(tmp_path, media, url):
        clear_server.wait_on_air()
        played = record(tmp_path, clear_server.play_url(form), 2)
    assert_part_of(frames(played, "a"), frames(media, "a"), at_least=80)
    assert len(frames(played, "v")) >= 50
    clear_server.wait_off_air()


def test_srt_live_transmit_publishes_and_plays(
    clear_server: GamecastServer, tmp_path: Path, media: Path
) -> None:
    program = require("srt-live-transmit")
    target = srt_url(clear_server, f"#!::r=live/main,m=publish,s={clear_server.key}")
    source = srt_url(clear_server, "read:live/main")
    feeder = subprocess.Popen(
        [
            *(require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-re", "-i", str(media)),
            *("-c", "copy", "-f", "mpegts", "-"),
        ],
        stdout=subprocess.PIPE,
    )
    sender = subprocess.Popen([program, "-q", "file://con", target], stdin=feeder.stdout)
    assert feeder.stdout is not None
    feeder.stdout.close()
    try:
        clear_server.wait_on_air()
        done = subprocess.run(
            [program, "-q", "-t:4", source, "file://con"], capture_output=True, timeout=30
        )
        played = tmp_path / "played.ts"
        played.write_bytes(done.stdout)
        assert_part_of(frames(played, "v")[:-1], frames(media, "v"), at_least=60)
    finally:
        feeder.kill()
        sender.kill()
        feeder.wait()
        sender.wait()
    clear_server.wait_off_air()


@pytest.mark.parametrize("length", [16, 24, 32])
def test_encrypted_both_ways(
    secure_server: GamecastServer, tmp_path: Path, media: Path, length: int
) -> None:
    stream_id = f"publish:live/main::{secure_server.key}"
    secret = {"passphrase": PASSPHRASE, "pbkeylen": length}
    with publish(tmp_path, media, srt_url(secure_server, stream_id, **secret)):
        secure_server.wait_on_air()
        played = record(tmp_path, srt_url(secure_server, "read:live/main", **secret), 2)
    assert_part_of(frames(played, "v"), frames(media, "v"), at_least=50)
    assert PASSPHRASE not in secure_server.log
    secure_server.wait_off_air()


def refusal(url: str, media: Path) -> str:
    """What srt-live-transmit says of a server that refuses it."""
    done = subprocess.run(
        [require("srt-live-transmit"), "-loglevel:note", "-t:3", "file://con", url],
        input=media.read_bytes(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def code_of(url: str, *, passphrase: str = "") -> int | None:
    """The code with which the server refuses our own caller."""
    parts = urlsplit(url)
    stream_id = url.split("streamid=", 1)[1]
    settings = Settings(stream_id=stream_id, passphrase=passphrase)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((parts.hostname, parts.port))
        sock.settimeout(0.1)
        caller = Caller(settings, now=time.monotonic(), random_bytes=os.urandom)
        while caller.closed is None and caller.connection is None:
            for datagram in caller.data_to_send():
                sock.send(datagram)
            try:
                caller.receive_datagram(sock.recv(2048), time.monotonic())
            except TimeoutError:
                caller.handle_timer(time.monotonic())
        if caller.connection is not None:
            caller.connection.close(time.monotonic())
            for datagram in caller.data_to_send():
                sock.send(datagram)
        return caller.closed.reject if caller.closed is not None else None


@pytest.mark.parametrize(
    ("secure", "passphrase", "code", "words"),
    [
        (True, "wrong horse battery", 10, "Incorrect passphrase"),
        (True, "", 11, "Password required or unexpected"),
        (False, PASSPHRASE, 11, "Password required or unexpected"),
    ],
)
def test_encryption_that_does_not_fit_is_refused(
    clear_server: GamecastServer,
    secure_server: GamecastServer,
    media: Path,
    secure: bool,
    passphrase: str,
    code: int,
    words: str,
) -> None:
    server = secure_server if secure else clear_server
    url = srt_url(server, f"publish:live/main::{server.key}")
    assert code_of(url, passphrase=passphrase) == code
    said = refusal(f"{url}&passphrase={passphrase}" if passphrase else url, media)
    assert words in said, said
    assert server.stream() is None


@pytest.mark.parametrize(
    ("stream_id", "code"),
    [
        ("publish:live/main::wrong", 1403),
        ("publish:live/main", 1401),
        ("publish:live/nobody::wrong", 1403),
        ("read:live/nobody", 1404),
        ("record:live/main", 1405),
        ("read:live/a/b", 1400),
    ],
)
def test_refusals_have_their_codes(clear_server: GamecastServer, stream_id: str, code: int) -> None:
    assert code_of(srt_url(clear_server, stream_id)) == code


def test_the_same_key_takes_over_and_viewers_stay(
    clear_server: GamecastServer, tmp_path: Path, media: Path
) -> None:
    url = srt_url(clear_server, f"publish:live/main::{clear_server.key}")
    first = publish(tmp_path, media, url)
    with first:
        clear_server.wait_on_air()
        path = tmp_path / "played.ts"
        viewer = Process(
            [
                *(require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-y"),
                *("-i", srt_url(clear_server, "read:live/main"), "-c", "copy", str(path)),
            ],
            log=tmp_path / "viewer.log",
        )
        with viewer:
            (tmp_path / "second").mkdir()
            with publish(tmp_path / "second", media, url) as second:
                first.wait(10)  # the server has ended it
                assert second.wait(SECONDS + 10) == 0
            clear_server.wait_off_air()
            viewer.wait(15)
    got = frames(path, "v")
    sent = frames(media, "v")
    # What the first publisher sent comes before; of the second, the viewer has every picture from
    # its second group on, but for the last ones, which a caller that closes may leave unsent.
    stretch = sent[60:-15]
    starts = [at for at, picture in enumerate(got) if picture == stretch[0]]
    assert any(got[at : at + len(stretch)] == stretch for at in starts)


def test_another_key_is_refused(clear_server: GamecastServer, tmp_path: Path, media: Path) -> None:
    other = clear_server.new_key("main")
    with publish(tmp_path, media, srt_url(clear_server, clear_server.key)):
        clear_server.wait_on_air()
        assert code_of(srt_url(clear_server, other)) == 1409
    clear_server.wait_off_air()
