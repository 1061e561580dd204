"""PulseAudio with a null sink: a sound server without sound."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.events import wait_until
from tests.support.peers import require
from tests.support.process import Process


@contextmanager
def sound_server(folder: Path) -> Iterator[str]:
    """Run it with its sink ``game``; gives what ``PULSE_SERVER`` has to be to reach it."""
    address = folder / "native"
    home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    arguments = [
        *(require("pulseaudio"), "-n", "--daemonize=no", "--exit-idle-time=-1"),
        *("--use-pid-file=no", "-L", "module-null-sink sink_name=game"),
        *("-L", f"module-native-protocol-unix socket={address} auth-anonymous=1"),
    ]
    with Process(arguments, log=folder / "pulse.log", env=home) as process:
        wait_until(lambda: _answers(address) or not process.running, "the sound server")
        assert process.running, process.output
        yield f"unix:{address}"


def _answers(address: Path) -> bool:
    """Whether it listens, which is later than that its socket is there."""
    with socket.socket(socket.AF_UNIX) as knock:
        return knock.connect_ex(str(address)) == 0
