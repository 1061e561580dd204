"""HTTPS and RTMPS with a certificate, and a new certificate without a restart."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import ffmpeg, judge
from tests.support.certificates import write_certificate
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import UNVERIFIED, GamecastServer

pytestmark = pytest.mark.interop


def served_certificate(url: str) -> bytes:
    """The certificate that a TLS port shows now."""
    parts = urlsplit(url)
    address = (str(parts.hostname), int(parts.port or 0))
    with (
        socket.create_connection(address, timeout=10) as plain,
        UNVERIFIED.wrap_socket(plain) as link,
    ):
        found = link.getpeercert(binary_form=True)
    assert found
    return found


def test_https_and_rtmps(clips: ClipShelf, tmp_path: Path) -> None:
    settings = write_certificate(tmp_path, "first")
    settings["GAMECAST_RTMP__TLS_PORT"] = "0"
    source = clips.get(Clip(fps=30, gop_seconds=1, seconds=6))
    recording = tmp_path / "flv.mkv"
    with GamecastServer(tmp_path, settings=settings) as server:
        assert server.http.startswith("https://")
        rtmps = server.ready["rtmps"]
        with ffmpeg.publish(source, f"{rtmps}/live/{server.key}", folder=tmp_path) as publisher:
            server.wait_on_air()
            with ffmpeg.record(server.play_url("flv"), recording, seconds=3) as recorder:
                recorder.finish()
            publisher.finish()
        first = served_certificate(server.http)
        assert served_certificate(rtmps) == first
        write_certificate(tmp_path, "second")
        wait_until(
            lambda: served_certificate(server.http) != first, "the new certificate", within=60
        )
    judge.assert_slice(judge.units(recording), judge.units(source), at_least=60)
