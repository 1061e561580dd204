"""One run with every kind of secret through every protocol; then everything readable is searched.

Rule R6: stream keys, tokens, passphrases, passwords and private keys are shown to nobody but the
one who brought them, and stand in no log, answer, metric, page, file or process list. WebRTC, live
feeds and the commands beside the server are in ``test_secrets_on_air.py``.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.gates.evidence import GUESS, PASSPHRASE, STREAM_KEY, Evidence, forms, printed
from tests.support.certificates import write_certificate
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer
from tests.support.peers import require
from tests.support.process import Process

pytestmark = pytest.mark.interop

CLIP = Clip(fps=30, gop_seconds=1, seconds=8)


@pytest.mark.parametrize(
    "line", [GUESS, f"?key={quote(GUESS)}", base64.b64encode(f"x:{GUESS}".encode()).decode()]
)
def test_the_search_finds_a_secret_in_other_clothes(line: str) -> None:
    assert any(form in line for form in forms(GUESS) | forms(f"x:{GUESS}"))


@pytest.fixture
def secrets() -> dict[str, str]:
    """By name; filled by ``server``."""
    return {"the passphrase": PASSPHRASE, "a guess": GUESS}


@pytest.fixture
def server(tmp_path: Path, secrets: dict[str, str]) -> Iterator[GamecastServer]:
    """Everything on, everything logged; its first start, whose banner shows secrets, is over."""
    settings = {
        **write_certificate(tmp_path, "localhost"),
        "GAMECAST_RTMP__TLS_PORT": "0",
        "GAMECAST_SRT__PASSPHRASE": PASSPHRASE,
        "GAMECAST_AUTH__PLAY": "token",
        "GAMECAST_SERVER__LOG_LEVEL": "debug",
        "GAMECAST_STREAM__GRACE_SECONDS": "1",
    }
    with GamecastServer(tmp_path, settings=settings, options=("--demo",)) as first:
        secrets |= printed(first.log)
        first.wait_on_air("demo")
        demo = Evidence(first)
        demo.watch_processes()
    assert len(demo.found) >= 2, "the demo's publisher is a process"
    assert not STREAM_KEY.search(str(demo.found)), "the demo's own key"
    (tmp_path / "gamecast.log").unlink()
    pem = (tmp_path / "key.pem").read_text("ascii")
    secrets["the private key"] = pem.splitlines()[1]
    with GamecastServer(tmp_path, settings=settings) as second:
        secrets["a stream key"] = second.key
        secrets["a play token"] = second.run("token", "create", "--play", "main")
        secrets["an admin token"] = second.run("token", "create", "--label", "admin")
        secrets["the new password"] = second.run("admin", "password")
        yield second


@pytest.mark.timeout(240)
def test_no_secret_is_told(
    server: GamecastServer, secrets: dict[str, str], clips: ClipShelf, tmp_path: Path
) -> None:
    evidence = Evidence(server)
    media = clips.get(CLIP)
    publish_every_way(server, evidence, secrets, media, tmp_path)
    guess_every_way(server, evidence, media, tmp_path)
    evidence.watch_processes()
    server.stop()
    evidence.found["the server's log"] = server.log
    evidence.add_files(server.data_dir)
    assert evidence.leaks(secrets) == []
    assert "Traceback" not in server.log
    assert server.log.count("reason=denied") >= 3, "the guesses did not get there"


def publish_every_way(
    server: GamecastServer, evidence: Evidence, secrets: dict[str, str], media: Path, folder: Path
) -> None:
    """RTMP, RTMPS and SRT with the right key; each is watched while it is on air."""
    key = secrets["a stream key"]
    srt = f"{server.ready['srt']}?passphrase={PASSPHRASE}&streamid=publish:live/main::{key}"
    for url in (f"{server.rtmp}/live/main?key={key}", f"{server.ready['rtmps']}/live/{key}", srt):
        publisher = push(media, url, folder)
        with publisher:
            server.wait_on_air("main")
            look_around(evidence, secrets)
            publisher.stop()
        server.wait_off_air("main")
    offer = b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
    assert evidence.ask("/whip", method="POST", token=key, body=offer) == 415
    assert evidence.ask(f"/live/main/whip?key={key}", method="POST", body=offer) >= 400


def push(media: Path, url: str, folder: Path) -> Process:
    """ffmpeg, over and over; what it says about its own URL is its own affair."""
    form = "mpegts" if url.startswith("srt") else "flv"
    command: list[str | Path] = [
        *(require("ffmpeg"), "-v", "error", "-nostdin", "-re", "-stream_loop", "-1"),
        *("-i", media, "-c", "copy", "-f", form, url),
    ]
    return Process(command, log=folder / "push.log")


def look_around(evidence: Evidence, secrets: dict[str, str]) -> None:
    """Every page and answer, as a stranger, as a viewer and as the administrator."""
    pages = ["/", "/main", "/studio", "/embed/main", "/healthz", "/metrics", "/openapi.json"]
    for path in [*pages, "/api/v1/streams", "/api/v1/streams/main", "/no/such/page"]:
        evidence.ask(path)
    token, viewer = secrets["an admin token"], secrets["a play token"]
    for path in ("viewers", ""):
        assert evidence.ask(f"/api/v1/streams/main/{path}".rstrip("/"), token=token) == 200
    assert evidence.ask(f"/live/main/index.m3u8?token={viewer}") == 200
    evidence.found.popitem()  # it is for this viewer, and names what the viewer brought
    assert evidence.ask("/live/main/poster.jpg", token=viewer) in (200, 404)
    assert evidence.ask("/live/main.flv", method="HEAD", token=viewer) == 200
    assert evidence.ask("/live/main.flv") == 401
    evidence.watch_processes()


def guess_every_way(server: GamecastServer, evidence: Evidence, media: Path, folder: Path) -> None:
    """What is not right is in every place where a secret may stand, and where none belongs."""
    for path in ("/live/main.flv", "/live/main/index.m3u8", "/live/nobody.ts", "/nowhere", "/main"):
        evidence.ask(f"{path}?token={GUESS}&key={GUESS}&jwt={GUESS}")
        evidence.ask(path, token=GUESS)
    evidence.ask(f"/live/{GUESS}.flv?passphrase={GUESS}")
    for path in ("/api/v1/streams/main", f"/api/v1/streams/main?access_token={GUESS}"):
        assert evidence.ask(path, method="DELETE", token=GUESS) in (403, 429)
    evidence.ask("/whip", method="POST", token=GUESS, body=b"v=0")
    del evidence.found[next(name for name in evidence.found if f"/live/{GUESS}.flv" in name)]
    srt = server.ready["srt"]
    for url in (
        f"{server.rtmp}/live/main?key={GUESS}",
        f"rtmp://user:{GUESS}@{server.rtmp.removeprefix('rtmp://')}/live/main?token={GUESS}",
        f"{srt}?passphrase={GUESS}&streamid=publish:live/demo::{GUESS}",
        f"{srt}?passphrase={PASSPHRASE}&streamid=#!::r=live/demo,m=publish,s={GUESS}",
    ):
        with push(media, url, folder) as refused:
            assert refused.wait(20) != 0
    talk_nonsense(server)


def talk_nonsense(server: GamecastServer) -> None:
    """A key in what is neither HTTP nor RTMP: parsers like to quote what they do not understand."""
    http_port = urlsplit(server.http).port
    for address in (server.rtmp_address, ("127.0.0.1", http_port)):
        for line in (f"GET /{GUESS} HTTP/9\r\n\r\n", f"key={GUESS}\r\n\r\n"):
            with socket.create_connection(address, timeout=15) as link:
                link.sendall(line.encode())
                with contextlib.suppress(OSError):
                    while link.recv(65_536):
                        pass


def test_the_pushing_end_tells_nothing_either(tmp_path: Path) -> None:
    """Its log, its lines for programs, its files and its own arguments; nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "gamecast", "push", "--test", "--json"),
                *("--duration", "3", f"rtmp://127.0.0.1:{port}/live"),
            ],
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path),
                "XDG_RUNTIME_DIR": str(tmp_path),
                "GAMECAST_PUSH_KEY": GUESS,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode != 0
    assert GUESS not in done.stdout + done.stderr
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in left if GUESS.encode() in path.read_bytes()]
