"""HTTPS and RTMPS with a certificate, and a new certificate without a restart."""

from __future__ import annotations

import datetime
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import UNVERIFIED, GamecastServer

pytestmark = pytest.mark.interop


def write_certificate(folder: Path, owner: str) -> dict[str, str]:
    """A fresh self-signed pair; returns the settings that point to it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = {"cert": folder / "cert.pem", "key": folder / "key.pem"}
    paths["cert"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths["key"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {f"GAMECAST_TLS__{name.upper()}": str(path) for name, path in paths.items()}


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
