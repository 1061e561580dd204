"""Tokens with which the portal gives the same screen or window again without asking.

Each is good for one time; the portal hands out the next one with every share. They are a
permission of this user, so the file is for its owner only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gamecast.client.profiles import profiles_path

LIMIT = 64
"""Choices that are remembered; the oldest is forgotten first."""


def tokens_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Beside the profiles."""
    return profiles_path(environ).with_name("wayland.json")


def load_token(choice: str, path: Path) -> str | None:
    """The token for a choice such as ``screen 0``; ``None`` where there is none to be read."""
    return _load(path).get(choice)


def save_token(choice: str, token: str | None, path: Path) -> None:
    """Remember the next token, or with ``None`` forget the used one.

    A folder that cannot be written costs a question the next time, and is no reason to fail.
    """
    tokens = _load(path)
    used = tokens.pop(choice, None)
    if token is None and used is None:
        return
    if token is not None:
        tokens[choice] = token
    kept = dict(list(tokens.items())[-LIMIT:])
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1)
        new.replace(path)


def _load(path: Path) -> dict[str, str]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {key: value for key, value in data.items() if isinstance(value, str)}
