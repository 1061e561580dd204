"""Gamecast: self-hosted live streaming for games."""

__version__ = "0.1.0"
