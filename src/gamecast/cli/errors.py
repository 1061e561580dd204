"""Errors that end a command with one line on stderr and no traceback."""

from __future__ import annotations

USAGE = 2
"""Exit status of a wrong option, an unknown configuration key, a bad value."""


class CliError(Exception):
    """Tell the user what is wrong and end. ``lines`` are shown each behind ``gamecast:``."""

    def __init__(self, *lines: str, exit_status: int = 1) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.exit_status = exit_status
