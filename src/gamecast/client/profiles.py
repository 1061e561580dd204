"""Profiles: named sets of ``gamecast push`` options in a TOML file.

    [ranked]
    screen = 0
    bitrate = "6M"
    destinations = ["rtmp://host/live/KEY"]

Keys are the options' long names without dashes in front; ``destinations`` is a list. The file may
hold stream keys, so it is written for its owner only.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE_VARIABLE = "GAMECAST_PUSH_PROFILES"
"""Environment variable with the path of another file."""


class ProfileError(ValueError):
    """The profile cannot be used; one clear line that holds no values."""


def profiles_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the profiles are: ``push.toml`` in the user's configuration folder."""
    if chosen := environ.get(FILE_VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(environ.get("APPDATA") or Path.home())
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "gamecast" / "push.toml"


def load_profiles(path: Path) -> dict[str, dict[str, Any]]:
    """All profiles of a file. Raises ``ProfileError``."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ProfileError(
            f"no profiles yet: {path} does not exist; 'gamecast setup' writes one"
        ) from None
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from None
    for name, values in data.items():
        if not isinstance(values, dict):
            raise ProfileError(f"{path}: {name!r} stands outside a [profile]")
    return data


def load_profile(name: str, path: Path | None = None) -> dict[str, Any]:
    """The values of one profile. Raises ``ProfileError``."""
    where = path or profiles_path()
    profiles = load_profiles(where)
    if name not in profiles:
        raise ProfileError(f"no profile {name!r} in {where}; there are: {', '.join(profiles)}")
    return profiles[name]


def save_profile(name: str, values: Mapping[str, Any], path: Path | None = None) -> Path:
    """Add or replace a profile; the others keep their values. Raises ``ProfileError``."""
    where = path or profiles_path()
    profiles = load_profiles(where) if where.exists() else {}
    profiles[name] = dict(values)
    text = "\n".join(_table(each, profiles[each]) for each in profiles)
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        new = where.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(where)
    except OSError as error:
        raise ProfileError(f"{where}: {error.strerror or error}") from error
    return where


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"[{_string(name)}]"]
    lines += [f"{_string(key)} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _string(text: str) -> str:
    """Bare where TOML allows it, else quoted as JSON does, which TOML reads the same."""
    bare = text and all(
        letter.isascii() and (letter.isalnum() or letter in "-_") for letter in text
    )
    return text if bare else json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
