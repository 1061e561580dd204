"""The control socket: a local socket of the user's own, one JSON object per line each way.

Request ``{"command": "mute", "arguments": ["mic"]}``, answer ``{"ok": true, ...}`` or
``{"ok": false, "problem": "..."}``. The socket's folder belongs to the user alone, so whoever
can connect may do everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gamecast.client.controls import ControlError

MAX_LINE = 64 * 1024
TIMEOUT = 10.0
"""Seconds that either side waits for the other's line."""
SAVE_TIMEOUT = 60.0
"""Seconds that a command may take: writing a long replay to a slow disk."""
Handle = Callable[[str, Sequence[str]], dict[str, Any]]


def control_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the sockets of this user's pushes are."""
    base = environ.get("XDG_RUNTIME_DIR")
    if base:
        return Path(base) / "gamecast"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"gamecast-{user}"


def running(folder: Path) -> dict[int, Path]:
    """Process id and socket of every push that answers; what killed ones left is removed."""
    found = {}
    for path in sorted(folder.glob("push-*.sock")):
        number = path.stem.removeprefix("push-")
        if number.isdecimal() and _listens(path):
            found[int(number)] = path
    return found


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(str(path))
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                path.unlink()
            return False
        except OSError:
            return False
    return True


class ControlServer:
    """Serves one push; a context manager. Does nothing where there are no Unix sockets."""

    def __init__(self, handle: Handle, folder: Path) -> None:
        """Raises ``OSError`` if the socket cannot be made."""
        self._handle = handle
        self.path = folder / f"push-{os.getpid()}.sock"
        self._socket: socket.socket | None = None
        if hasattr(socket, "AF_UNIX"):
            self._socket = self._listen(folder)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)

    def _listen(self, folder: Path) -> socket.socket:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(f"{folder} is not ours alone")
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(str(self.path))
            listener.listen(4)
        except OSError:
            listener.close()
            raise
        return listener

    def __enter__(self) -> Self:
        if self._socket is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._socket is None:
            return
        # Closing does not wake an accept(); shutting down does.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(TIMEOUT)
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _serve(self) -> None:
        while self._socket is not None:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(TIMEOUT)
                connection.sendall(self._answer(_read_line(connection)))

    def _answer(self, line: bytes) -> bytes:
        try:
            request = json.loads(line)
            command, arguments = request["command"], request.get("arguments", [])
            if not isinstance(command, str) or not all(isinstance(each, str) for each in arguments):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError):
            answer: dict[str, Any] = {"ok": False, "problem": "not a request"}
        else:
            try:
                answer = {"ok": True, **self._handle(command, arguments)}
            except ControlError as error:
                answer = {"ok": False, "problem": str(error)}
        return json.dumps(answer).encode() + b"\n"


def call(path: Path, command: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Send one command to a push; raises ``ControlError``."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SAVE_TIMEOUT)
            connection.connect(str(path))
            request = {"command": command, "arguments": list(arguments)}
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(_read_line(connection))
    except (OSError, ValueError) as error:
        raise ControlError(f"the push does not answer: {error}") from None
    if not answer.pop("ok", False):
        raise ControlError(str(answer.get("problem", "no answer")))
    result: dict[str, Any] = answer
    return result


def _read_line(connection: socket.socket) -> bytes:
    data = bytearray()
    while not data.endswith(b"\n") and len(data) < MAX_LINE:
        part = connection.recv(4096)
        if not part:
            break
        data += part
    return bytes(data)
