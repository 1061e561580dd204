"""What the store raises. Messages are for the user and hold no secret."""

from __future__ import annotations


class StoreError(Exception):
    """Something asked of the store cannot be done."""


class StoreUnavailable(StoreError):
    """The database cannot be read or written: disk full, no permission, not reachable, damaged."""


class UnknownChannel(StoreError):
    """No channel has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no channel {name!a}")


class ChannelExists(StoreError):
    """A channel has this name already, perhaps in other upper and lower case."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a channel {name!a} already")


class UnknownSecret(StoreError):
    """No key or token in use is meant by this hint, or more than one is."""
