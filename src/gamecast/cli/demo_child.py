"""A ``gamecast`` command that ends when the process that started it does, even by SIGKILL.

Without this, the demo's publisher would outlive a killed server and try to reconnect for ever.
Only Linux can do it; elsewhere this is the plain command.

Arguments: the parent's process id, then those of ``gamecast``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _end_with_parent(parent: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the call
        raise SystemExit(1)


if __name__ == "__main__":
    from gamecast.cli.main import main

    _end_with_parent(int(sys.argv.pop(1)))
    main()
