"""The one error of the load."""

from __future__ import annotations


class BenchError(Exception):
    """The server refused, or ended what should have gone on."""
