"""Profiles: named sets of ``gamecast push`` options in a TOML file.

    [ranked]
    screen = 0
    bitrate = "6M"
    destinations = ["rtmp://host/live/KEY"]

Keys are the options' long names without dashes in front; ``destinations`` is a list. The file may
hold stream keys, so it is written for its owner only.
"""

from __future__ import annotations

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
        raise ProfileError(f"no profiles yet: {path} does not exist") from None
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
