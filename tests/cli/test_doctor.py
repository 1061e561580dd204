from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gamecast.cli import (
    doctor_capture,
    doctor_encode,
    doctor_network,
    doctor_serve,
    doctor_upload,
)
from gamecast.cli.findings import Finding, State
from gamecast.server.config import ServeConfig, ServerSection, TlsSection
from tests.cli.conftest import Run
from tests.client.rtmp_peer import RtmpPeer
from tests.client.slow_line import SlowLine
from tests.support.gamecast import GamecastServer, command
from tests.support.obs import SCREEN, Screen
from tests.support.pulse import sound_server


@pytest.fixture(autouse=True)
def free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for any ports, whatever else runs on this machine."""
    for section in ("HTTP", "RTMP", "SRT", "ICE"):
        monkeypatch.setenv(f"GAMECAST_{section}__PORT", "0")


def _json(run: Run, *arguments: str, status: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        run("doctor", "--json", "--no-encoders", *arguments, status=status).stdout
    )
    return found


def _find(findings: Iterator[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def test_a_machine_that_can_serve_is_told_so(run: Run, data_dir: Path) -> None:
    shown = run("doctor", "--no-encoders").stdout
    assert shown.endswith("'gamecast serve' can run here.\n")
    for name in ("Python", "data directory", "UDP segmentation", "screen"):
        assert name in shown
    assert not data_dir.exists()  # looking changes nothing
    assert _json(run)["can_serve"] is True


@pytest.mark.parametrize(("section", "kind"), [("HTTP", "tcp"), ("RTMP", "tcp"), ("SRT", "udp")])
def test_a_port_in_use_is_found(
    run: Run, monkeypatch: pytest.MonkeyPatch, section: str, kind: str
) -> None:
    taken = socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    with taken:
        taken.bind(("127.0.0.1", 0))
        if kind == "tcp":
            taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv(f"GAMECAST_{section}__PORT", str(port))
        status = 1 if kind == "tcp" else 0
        found = _json(run, status=status)
    assert found["can_serve"] is (status == 0)
    (finding,) = [item for item in found["Network"] if item["name"] == f"port {port}/{kind}"]
    assert finding["state"] == ("blocker" if kind == "tcp" else "problem")
    assert f"--{section.lower()}-port" in finding["advice"]


def test_our_own_server_is_no_obstacle(
    gamecast_server: GamecastServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = gamecast_server.http.rpartition(":")[2]
    monkeypatch.setenv("GAMECAST_HTTP__PORT", port)
    monkeypatch.setenv("GAMECAST_SERVER__HOST", "127.0.0.1")
    found = _json(run, "--data-dir", str(gamecast_server.data_dir))
    (finding,) = [item for item in found["Network"] if item["name"] == f"port {port}/tcp"]
    assert finding["state"] == "ok"
    assert "running server" in finding["detail"]
    assert any(item["name"] == "database" and item["state"] == "ok" for item in found["Serve"])


def test_a_ready_file_left_behind_is_no_running_server(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    for text in (json.dumps({"pid": ended.pid}), "[]", "", "{}", '{"pid": "x"}'):
        (tmp_path / "ready.json").write_text(text)
        assert doctor_network._running_server(tmp_path) is None


def test_a_data_directory_that_cannot_be_is_a_blocker(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = _json(run, "--data-dir", str(tmp_path / "file"), status=1)
    (finding,) = [item for item in found["Serve"] if item["name"] == "data directory"]
    assert finding["state"] == "blocker"


def test_a_damaged_database_is_a_blocker(run: Run, data_dir: Path) -> None:
    run("channel", "add", "main")
    settings = ServeConfig(server=ServerSection(data_dir=data_dir))
    good = _find(doctor_serve.examine(settings), "database")
    assert (good.state, good.detail.split(" in ")[0]) == (State.OK, "1 channel")
    file = data_dir / "gamecast.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    assert _find(doctor_serve.examine(settings), "database").state is State.BLOCKER
    file.write_bytes(b"no database at all" * 100)
    assert _find(doctor_serve.examine(settings), "database").state is State.BLOCKER


def _certificate(folder: Path, *, days: int) -> TlsSection:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cast.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return TlsSection(cert=folder / "cert.pem", key=folder / "key.pem")


@pytest.mark.parametrize(
    ("days", "state"), [(90, State.OK), (3, State.PROBLEM), (-1, State.PROBLEM)]
)
def test_a_certificate_is_read_for_its_end(tmp_path: Path, days: int, state: State) -> None:
    finding = doctor_serve._certificate(_certificate(tmp_path, days=days))
    assert finding.state is state
    assert ("expired" in finding.detail) is (days < 0)


def test_a_certificate_with_another_key_is_a_blocker(tmp_path: Path) -> None:
    tls = _certificate(tmp_path, days=90)
    (tmp_path / "other").mkdir()
    other = _certificate(tmp_path / "other", days=90)
    for mixed in (
        TlsSection(cert=tls.cert, key=other.key),
        TlsSection(cert=tls.cert, key=tmp_path / "no.pem"),
    ):
        assert doctor_serve._certificate(mixed).state is State.BLOCKER


def test_every_encoder_is_really_tried() -> None:
    findings = list(doctor_encode.examine())
    software = _find(iter(findings), "software")
    assert software == Finding("software", State.OK, "encodes h264, hevc, av1")
    assert _find(iter(findings), "sound").detail == "encodes aac, opus"
    assert _find(iter(findings), "PyAV").state is State.OK
    names = {finding.name for finding in findings}
    assert len(names) == len(findings)
    assert not [finding for finding in findings if finding.state is State.BLOCKER]


def test_an_encoder_that_crashes_is_a_finding_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crashing))
    results = doctor_encode._probe("nvenc")
    assert results == "crashes (exit status -11)"
    assert doctor_encode._judge("nvenc", results).state is State.PROBLEM


def test_an_encoder_that_hangs_is_a_finding_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_encode, "_TIME_LIMIT", 0.01)
    results = doctor_encode._probe(doctor_encode.SOFTWARE)
    assert isinstance(results, str)
    assert "does not answer" in results


@pytest.mark.parametrize(
    ("family", "results", "state"),
    [
        ("nvenc", {"h264": None, "hevc": None, "av1": "no"}, State.OK),
        ("nvenc", {"h264": "no card", "hevc": "no card", "av1": "no card"}, State.MISSING),
        (doctor_encode.SOFTWARE, {"h264": None, "hevc": "gone"}, State.PROBLEM),
        (doctor_encode.AUDIO, {"aac": None, "opus": None}, State.OK),
    ],
)
def test_encoders_are_judged(family: str, results: dict[str, str | None], state: State) -> None:
    finding = doctor_encode._judge(family, results)
    assert finding.state is state
    assert finding.detail.count("no card") <= 1


def test_no_display_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert doctor_capture._x11().state is State.MISSING
    monkeypatch.setenv("DISPLAY", ":987")
    finding = doctor_capture._x11()
    assert finding.state is State.MISSING
    assert ":987" in finding.detail


def test_no_sound_server_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}")
    finding = doctor_capture._sounds()
    assert finding.state is State.MISSING
    assert "no sound server" in finding.detail


@pytest.mark.interop
def test_what_can_be_recorded_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with sound_server(tmp_path) as address:
        monkeypatch.setenv("PULSE_SERVER", address)
        finding = doctor_capture._sounds()
    assert finding.state is State.OK
    assert "Null Output" in finding.detail


def test_the_upload_is_judged() -> None:
    with RtmpPeer() as peer, SlowLine(peer.port, rate=3e6) as line:
        finding = doctor_upload.examine(line.url(), seconds=2.5)
    assert finding.state is State.PROBLEM, "three quarters of it are less than 720p needs"
    assert "kbit/s: a stream should use" in finding.detail
    assert "--bitrate" in finding.advice


def test_no_upload_is_said(run: Run) -> None:
    with RtmpPeer(refuse="wrong key") as peer:
        done = run("doctor", "--no-encoders", "--upload", peer.url())
    assert done.exit_code == 0, done.output
    assert "upload" in done.output
    assert "wrong key" in done.output
    for wrong in ("ftp://h/", "recording.mp4"):
        assert doctor_upload.examine(wrong).state is State.MISSING


@pytest.mark.interop
def test_a_screen_is_grabbed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    screen = Screen(tmp_path)
    with screen.process:
        monkeypatch.setenv("DISPLAY", screen.display)
        finding = doctor_capture._x11()
    assert finding.state is State.OK
    assert finding.detail.startswith(f"display {screen.display}, ")
    assert SCREEN.rpartition("x")[0].replace("x", " x ") in finding.detail


def test_without_unicode_the_marks_are_plain() -> None:
    done = subprocess.run(
        command("doctor", "--no-encoders"),
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ok Python" in done.stdout.decode("ascii")


def test_where_nothing_else_is_known_the_doctor_tells_what_devices_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does on Windows and macOS, asked of a machine without screen and sound."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    found = list(doctor_capture._listed())
    assert "DISPLAY" in _find(iter(found), "screens").detail
    assert "no sound server" in _find(iter(found), "sounds").detail
    assert all(each.state is State.MISSING for each in found)
    assert "gdigrab" in doctor_capture._grabbers().detail
