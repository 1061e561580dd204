"""The nginx configuration that the documentation shows, with a real nginx."""

from __future__ import annotations

import re
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer
from tests.support.peers import require
from tests.support.process import Process

pytestmark = pytest.mark.interop

GUIDE = Path(__file__).parents[2] / "docs" / "behind-a-proxy.md"
CLIP = Clip(fps=30, gop_seconds=1, seconds=6)

AROUND = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def free_port() -> int:
    """A port that was free a moment ago: nginx cannot be asked which one it took."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def outside(open_server: GamecastServer, tmp_path: Path) -> Iterator[str]:
    """The address of an nginx in front of the server, set up as the guide says."""
    (site,) = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    port = free_port()
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};")
    site = site.replace("http://127.0.0.1:8080", open_server.http)
    assert open_server.http in site
    path = tmp_path / "nginx.conf"
    path.write_text(AROUND.format(folder=tmp_path, site=site), "utf-8")
    with Process([require("nginx"), "-c", path, "-p", tmp_path], log=tmp_path / "nginx.log") as run:
        wait_until(lambda: accepts(port) or not run.running, "nginx", within=15)
        assert run.running, run.output
        yield f"127.0.0.1:{port}"


def accepts(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_every_way_to_watch_passes_through(
    open_server: GamecastServer,
    outside: str,
    clips: ClipShelf,
    tmp_path: Path,
    new_name: Callable[[], str],
) -> None:
    name = new_name()
    source = clips.get(CLIP)
    recording = tmp_path / "flv.mkv"
    with ffmpeg.publish(source, f"{open_server.rtmp}/live/{name}", folder=tmp_path) as publisher:
        open_server.wait_on_air(name)
        with ffmpeg.record(f"http://{outside}/live/{name}.flv", recording) as recorder:
            with connect(f"ws://{outside}/live/{name}.flv", max_size=None) as socket_:
                first = socket_.recv(timeout=10)
                assert isinstance(first, bytes)
                assert first.startswith(b"FLV\x01")
            assert_a_blocking_reload_waits_and_comes_back(outside, name)
            publisher.finish()
            recorder.finish()
    recorded = judge.units(recording)
    published = judge.units(source)
    start = judge.assert_slice(recorded, published, at_least=60)
    assert start + len(recorded) == len(published)


def assert_a_blocking_reload_waits_and_comes_back(outside: str, name: str) -> None:
    """Ask for the part after the newest: the answer holds it, and comes when it exists."""
    url = f"http://{outside}/live/{name}/media.m3u8"
    text = fetch(url)
    hint = re.search(r'EXT-X-PRELOAD-HINT:TYPE=PART,URI="[0-9a-f]+-(\d+)\.(\d+)\.m4s"', text)
    assert hint is not None, text
    started = time.monotonic()
    answer = fetch(f"{url}?_HLS_msn={hint[1]}&_HLS_part={hint[2]}")
    assert f'-{hint[1]}.{hint[2]}.m4s"' in answer.replace(hint[0], "")
    assert time.monotonic() - started < 2


def fetch(url: str) -> str:
    """The body of a GET as text."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode("utf-8"))
