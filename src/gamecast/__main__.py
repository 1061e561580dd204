"""``python -m gamecast``."""

from __future__ import annotations

from gamecast.cli.main import main

main()
