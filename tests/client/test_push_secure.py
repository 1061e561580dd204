"""RTMPS and WHIP over HTTPS to our own server, with a certificate that has to be trusted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.certificates import write_certificate
from tests.support.gamecast import GamecastServer, command


@pytest.mark.interop
def test_a_certificate_decides_whether_anything_is_sent(tmp_path: Path) -> None:
    settings = write_certificate(tmp_path, "first")
    settings |= {"GAMECAST_RTMP__TLS_PORT": "0", "GAMECAST_AUTH__PUBLISH": "open"}
    certificate = settings["GAMECAST_TLS__CERT"]
    with GamecastServer(tmp_path, settings=settings) as server:
        rtmps = f"{server.ready['rtmps']}/live/one"
        whips = server.http.replace("https:", "whips:") + "/live/two/whip"
        push = command("push", "--test", "--size", "320x180", "--duration", "1", rtmps, whips)

        def run(**environment: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                push,
                capture_output=True,
                text=True,
                timeout=60,
                env={**os.environ, **environment},
                check=False,
            )

        trusted = run(SSL_CERT_FILE=certificate)
        assert trusted.returncode == 0, trusted.stderr
        refused = run()
    assert refused.returncode == 1
    problems = refused.stderr.splitlines()
    assert len(problems) == 2
    assert all("not trusted: self-signed certificate" in line for line in problems)
