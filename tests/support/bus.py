"""A D-Bus session bus of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.events import wait_until
from tests.support.peers import require
from tests.support.process import Process

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={address}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@contextmanager
def session_bus(folder: Path, env: dict[str, str] | None = None) -> Iterator[str]:
    """Run one; gives its address. It starts what ``folder/services`` says, with ``env``."""
    address = folder / "bus"
    (folder / "bus.conf").write_text(BUS.format(address=address, folder=folder))
    arguments = [
        *(require("dbus-daemon"), "--nofork", "--nopidfile"),
        f"--config-file={folder / 'bus.conf'}",
    ]
    with Process(arguments, log=folder / "bus.log", env=env) as process:
        wait_until(lambda: address.exists() or not process.running, "the session bus")
        assert process.running, process.output
        yield f"unix:path={address}"
