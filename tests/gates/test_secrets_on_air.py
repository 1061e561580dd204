"""Secrets of WebRTC, of feeds that stay open, and of the commands beside the server (rule R6).

One server in the clear, with TURN servers and tokens, that is published to by WHIP and watched by
WHEP, WebSocket and server-sent events; what everybody can read is searched.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.gates.evidence import GUESS, PASSPHRASE, Evidence
from tests.support.gamecast import GamecastServer, command
from tests.support.process import Process

TURN_SECRET, TURN_CREDENTIAL = "canary-turn-secret-7x", "canary-turn-credential-7x"
CONFIG = f"""
[[ice.servers]]
url = "turn:127.0.0.1:3478"
secret = "{TURN_SECRET}"

[[ice.servers]]
url = "turn:127.0.0.1:3479"
username = "fixed"
credential = "{TURN_CREDENTIAL}"
"""
OFFER = Path(__file__).parent.parent / "protocols/webrtc/data/chromium_recvonly.sdp"
UPGRADE = (
    "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A file, as tables are given in no other way."""
    path = tmp_path / "gamecast.toml"
    path.write_text(CONFIG, "utf-8")
    return path


@pytest.fixture
def server(tmp_path: Path, config: Path) -> Iterator[GamecastServer]:
    """It has been started before: a first start shows its secrets, on purpose."""
    settings = {
        "GAMECAST_SRT__PASSPHRASE": PASSPHRASE,
        "GAMECAST_AUTH__PLAY": "token",
        "GAMECAST_SERVER__LOG_LEVEL": "debug",
        "GAMECAST_STREAM__GRACE_SECONDS": "1",
    }
    options = ("--config", str(config))
    with GamecastServer(tmp_path, settings=settings, options=options):
        pass
    (tmp_path / "gamecast.log").unlink()
    with GamecastServer(tmp_path, settings=settings, options=options) as second:
        yield second


@pytest.fixture
def secrets(server: GamecastServer) -> dict[str, str]:
    """All that somebody brings or has configured."""
    return {
        "a stream key": server.key,
        "a play token": server.run("token", "create", "--play", "main"),
        "an admin token": server.run("token", "create", "--label", "admin"),
        "the TURN secret": TURN_SECRET,
        "the TURN credential": TURN_CREDENTIAL,
        "the passphrase": PASSPHRASE,
        "a guess": GUESS,
    }


@pytest.mark.timeout(240)
def test_no_secret_is_told_by_what_stays_open(
    server: GamecastServer, secrets: dict[str, str], config: Path, tmp_path: Path
) -> None:
    evidence = Evidence(server)
    for url in (f"{server.http}/live/main/whip", f"{server.rtmp}/live/{server.key}"):
        with publishing(url, secrets, evidence, tmp_path) as publisher:
            server.wait_on_air("main")
            watch_by_webrtc(server, evidence, secrets)
            read_feeds(server, evidence, secrets)
            evidence.watch_processes()
            assert publisher.running, publisher.output
        evidence.found[f"what the publisher of {url[:4]} said"] = publisher.output
        server.wait_off_air("main")
    ask_the_doctor(server, config, evidence)
    workers = [text for text in evidence.found.values() if "transcode" in text and "\0" in text]
    server.stop()
    evidence.found["the server's log"] = server.log
    evidence.add_files(server.data_dir)
    assert evidence.leaks(secrets) == []
    assert workers, "AAC for WebRTC is converted in a process of its own"
    assert "Traceback" not in server.log


def publishing(url: str, secrets: dict[str, str], evidence: Evidence, folder: Path) -> Process:
    """``gamecast bench publish``; the key of WHIP is in its environment, as it asks for it."""
    options = ("--bitrate", "1", "--fps", "30", "--keyframe-interval", "1")
    publisher = Process(
        command("bench", "publish", url, *options),
        log=folder / f"publish-{urlsplit(url).scheme}.log",
        env={"GAMECAST_BENCH_KEY": secrets["a stream key"]},
    )
    publisher.wait_for_output("1 publishing", timeout=30)
    if url.startswith("http"):
        evidence.found["arguments of the publisher"] = "\0".join(publisher.arguments)
    return publisher


def watch_by_webrtc(server: GamecastServer, evidence: Evidence, secrets: dict[str, str]) -> None:
    """A crowd of the load's; then by hand, because the answer names TURN servers to a viewer."""
    url, token = f"{server.http}/live/main/whep", secrets["a play token"]
    for more in ((), ("--json",)):
        said = bench("watch", url, "--duration", "1", "--settle", "0", *more, key=token)
        assert said.returncode == 0, said.stderr
        evidence.found[f"what the viewers said {more}"] = said.stdout + said.stderr
    refused = bench("watch", url, "--duration", "1", key=GUESS)
    assert refused.returncode != 0
    evidence.found["what the refused viewer said"] = refused.stdout + refused.stderr
    offer_to_watch(server, evidence, secrets)


def offer_to_watch(server: GamecastServer, evidence: Evidence, secrets: dict[str, str]) -> None:
    """The viewer is told the fixed credential, nobody the secret, a stranger neither."""
    for method in ("OPTIONS", "POST"):
        offer = OFFER.read_bytes() if method == "POST" else b""
        assert evidence.ask("/live/main/whep", method=method, body=offer) in (204, 401)
    parts = urlsplit(server.http)
    link = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=15)
    headers = {"content-type": "application/sdp"}
    link.request(
        "POST", f"/live/main/whep?token={secrets['a play token']}", OFFER.read_bytes(), headers
    )
    answer = link.getresponse()
    text = str(answer.headers) + answer.read().decode()
    link.close()
    assert answer.status == 201, text
    assert TURN_CREDENTIAL in text, "the positive control: this is where it may stand"
    evidence.found["an answer of WHEP"] = text.replace(TURN_CREDENTIAL, "")


def read_feeds(server: GamecastServer, evidence: Evidence, secrets: dict[str, str]) -> None:
    """Server-sent events and media over WebSocket: the first that comes of each."""
    token = secrets["a play token"]
    for path in ("/api/v1/live", "/api/v1/streams/main/live"):
        evidence.found[path] = beginning(
            server, f"GET {path}?token={token}&key={GUESS} HTTP/1.1\r\nHost: x\r\n\r\n", "event: "
        )
    for given, status in ((token, "101"), (GUESS, "403")):
        for name in ("token", "key"):
            target = f"/live/main.flv?{name}={quote(given)}"
            expected = status if name == "token" else "HTTP/1.1 "
            evidence.found[f"WebSocket {name} {status}"] = beginning(
                server, UPGRADE.format(target=target), expected
            )


def beginning(server: GamecastServer, request: str, until: str) -> str:
    """What an answer without an end begins with."""
    parts, said = urlsplit(server.http), b""
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=15) as link:
        link.sendall(request.encode())
        while until.encode() not in said:
            data = link.recv(65_536)
            assert data, said
            said += data
    return said.decode("latin-1")


def ask_the_doctor(server: GamecastServer, config: Path, evidence: Evidence) -> None:
    """It reads the same configuration, and tries an upload where nobody listens."""
    nowhere = f"rtmp://127.0.0.1:1/live/{GUESS}"
    for more in (("--upload", nowhere), ("--json",)):
        done = subprocess.run(
            command(
                *("doctor", "--no-encoders", "--config", config),
                *("--data-dir", server.data_dir, *more),
            ),
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "GAMECAST_SRT__PASSPHRASE": PASSPHRASE},
            check=False,
        )
        assert "data directory" in done.stdout, done.stderr
        evidence.found[f"what the doctor said {more[0]}"] = done.stdout + done.stderr


def bench(*arguments: str, key: str) -> subprocess.CompletedProcess[str]:
    """``gamecast bench`` with a key in its environment, to its end."""
    return subprocess.run(
        command("bench", *arguments),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "GAMECAST_BENCH_KEY": key},
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish", "rtmp://127.0.0.1:{port}/live/{guess}"),
        ("publish", "rtmp://127.0.0.1:{port}/live/{guess}", "-n", "2"),
        ("publish", "rtmp://127.0.0.1:{port}/live/{guess}", "--protocol", "srt"),
        ("publish", "ftp://127.0.0.1:{port}/live/{guess}"),
        ("publish", "http://127.0.0.1:{port}/live/main/whip?key={guess}"),
        ("publish", "srt://127.0.0.1?streamid={guess}"),
        ("watch", "http://127.0.0.1:{port}/live/main.flv?token={guess}"),
        ("watch", "http://127.0.0.1:{port}/{guess}"),
        ("watch", "rtmp://127.0.0.1:{port}?token={guess}"),
    ],
    ids=lambda each: " ".join(each)[:60],
)
def test_the_load_says_no_key_when_it_fails(arguments: tuple[str, ...]) -> None:
    """Nobody listens there, or the URL is wrong: its key is not in the error."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        done = bench(*(each.format(port=port, guess=GUESS) for each in arguments), key=GUESS)
    assert done.returncode not in (0, None)
    assert done.stderr
    assert GUESS not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
