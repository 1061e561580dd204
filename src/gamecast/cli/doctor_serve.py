"""The doctor on what the server needs of this machine: Python, files, memory of its own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gamecast.cli.findings import Finding, blocker, missing, ok, problem
from gamecast.server.config import ServeConfig, TlsSection
from gamecast.store.database import DATABASE_FILE

_MIB = 1024 * 1024
_LEAST_SPACE = 50 * _MIB
_GOOD_SPACE = 1024 * _MIB
_GOOD_FILES = 4_096
_EXPIRES_SOON = timedelta(days=14)


def examine(settings: ServeConfig) -> Iterator[Finding]:
    """All of it."""
    yield _python()
    yield _event_loop()
    yield _pages()
    folder = settings.server.data_dir
    yield _data_dir(folder)
    yield _space(folder)
    if not settings.database.url.get_secret_value() and (folder / DATABASE_FILE).exists():
        yield _database(folder / DATABASE_FILE)
    yield _open_files()
    if settings.tls.enabled:
        yield _certificate(settings.tls)


def _python() -> Finding:
    detail = f"{platform.python_implementation()} {platform.python_version()} on {sys.platform}"
    return ok("Python", detail)


def _event_loop() -> Finding:
    if importlib.util.find_spec("uvloop") is not None:
        return ok("event loop", f"uvloop {importlib.metadata.version('uvloop')}")
    return problem("event loop", "asyncio's own", "on Linux and macOS uvloop serves more viewers")


def _pages() -> Finding:
    import gamecast

    manifest = Path(gamecast.__file__).parent / "web" / "vendor" / "manifest.json"
    if manifest.exists():
        return ok("web pages", "built")
    return problem("web pages", "player libraries are missing", "run 'make run', or reinstall")


def _data_dir(folder: Path) -> Finding:
    """Whether the server could write there; makes nothing that stays."""
    where = _nearest(folder)
    advice = "choose another with --data-dir, or correct its permissions"
    try:
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        return blocker("data directory", f"{where}: {error.strerror}", advice)
    return ok("data directory", f"{folder} {'is writable' if where == folder else 'will be made'}")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    for candidate in (folder, *folder.absolute().parents):
        if candidate.exists():
            return candidate
    return folder


def _space(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(_nearest(folder)).free
    except OSError as error:
        return problem("disk space", str(error.strerror))
    detail = f"{free / _MIB / 1024:.1f} GiB free"
    if free < _LEAST_SPACE:
        return blocker("disk space", detail, f"at least {_LEAST_SPACE // _MIB} MiB are needed")
    if free < _GOOD_SPACE:
        return problem("disk space", detail, "make room, or choose another --data-dir")
    return ok("disk space", detail)


def _database(file: Path) -> Finding:
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        try:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            channels = connection.execute("SELECT count(*) FROM channels").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return blocker("database", f"{file}: {error}", "restore a backup, or move the file away")
    if answer != "ok":
        return blocker("database", f"{file}: {answer}", "restore a backup, or move the file away")
    return ok("database", f"{channels} channel{'' if channels == 1 else 's'} in {file}")


def _open_files() -> Finding:
    try:
        import resource
    except ImportError:
        return ok("open files", "no limit of this kind on this system")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        return ok("open files", "no limit")
    if hard < _GOOD_FILES:
        advice = "raise it (ulimit -Hn, LimitNOFILE=): each viewer over TCP takes one"
        return problem("open files", f"at most {hard}", advice)
    return ok("open files", f"up to {hard}")


def _certificate(tls: TlsSection) -> Finding:
    import ssl

    from cryptography import x509

    if tls.cert is None or tls.key is None:
        return missing("certificate", "not configured")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.cert, tls.key)
        expires = x509.load_pem_x509_certificate(tls.cert.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return blocker("certificate", f"{tls.cert}: {error}", "check tls.cert and tls.key")
    left = expires - datetime.now(UTC)
    detail = f"{tls.cert}, valid until {expires:%Y-%m-%d}"
    if left < timedelta(0):
        return problem("certificate", f"{detail}: expired", "browsers refuse it; renew it")
    if left < _EXPIRES_SOON:
        return problem("certificate", detail, "renew it; the server reads it again by itself")
    return ok("certificate", detail)
