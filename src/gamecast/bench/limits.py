"""What the system lets a process have."""

from __future__ import annotations


def raise_open_files_limit() -> None:
    """As many sockets as the system's administrator allows; a crowd needs thousands."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
