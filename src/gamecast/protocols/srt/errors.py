"""The error that SRT parsers raise."""

from __future__ import annotations


class SrtError(ValueError):
    """A malformed SRT packet, or one that the protocol forbids here; fit for a log line.

    Established connections count such packets and drop them: anybody who knows an address can
    forge them.
    """
