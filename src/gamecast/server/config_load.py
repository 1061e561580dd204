"""Fill the configuration: TOML file < environment < command line, with errors that name the place.

This layers the three sources itself instead of through ``pydantic_settings`` sources, because an
error has to say which of them a value came from, and because a misspelt section in the environment
has to be an error too. pydantic checks the values.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from gamecast.server.config import ServeConfig

ENV_PREFIX = "GAMECAST_"
_MAX_FILE_SIZE = 1024 * 1024
_MAX_SHOWN = 80
_MISSING = object()


class ConfigError(Exception):
    """The configuration cannot be used. ``problems`` has one line for each thing to correct."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(slots=True)
class _Layer:
    """The values of one source, and how that source calls a key."""

    values: dict[str, Any]

    def place(self, path: tuple[str, ...]) -> str:
        raise NotImplementedError


@dataclass(slots=True)
class _File(_Layer):
    file: Path

    def place(self, path: tuple[str, ...]) -> str:
        return str(self.file)


class _Environment(_Layer):
    def place(self, path: tuple[str, ...]) -> str:
        names = [path[-1]] if len(path) > 1 else self.values[path[0]]
        whole = (f"{ENV_PREFIX}{path[0]}__{name}".upper() for name in names)
        return f"environment variable {', '.join(whole)}"


class _CommandLine(_Layer):
    def place(self, path: tuple[str, ...]) -> str:
        section, key = path[0], path[-1]
        option = key if section == "server" else f"{section}-{key}"
        return f"option --{option.replace('_', '-')}"


def load_config(
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> ServeConfig:
    """Read the configuration.

    ``overrides`` are what the command line says, ``{"http.port": 9090}``; ``None`` values are
    options that were not given. ``environ`` defaults to the process's environment.

    Raises :class:`ConfigError`: a missing or broken file, an unknown key, a bad value.
    """
    layers: list[_Layer] = [
        _from_command_line(overrides or {}),
        _from_environment(os.environ if environ is None else environ),
    ]
    if file is not None:
        layers.append(_from_file(file))
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        _merge(merged, layer.values)
    try:
        return ServeConfig.model_validate(merged)
    except ValidationError as error:
        problems = [_describe(details, layers) for details in error.errors(include_url=False)]
        raise ConfigError(problems) from None


def _from_file(file: Path) -> _File:
    try:
        with file.open("rb") as stream:
            text = stream.read(_MAX_FILE_SIZE + 1).decode()
        if len(text) > _MAX_FILE_SIZE:
            raise ConfigError([f"{file}: larger than {_MAX_FILE_SIZE} bytes"])
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror or 'cannot be read'}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([f"{file}: not valid TOML: {error}"]) from None
    if loose := [key for key, value in values.items() if not isinstance(value, dict)]:
        raise ConfigError(
            f"{file}: {key} = {_show((key,), values[key])}: keys belong in a [section]"
            for key in loose
        )
    return _File(values, file)


def _from_environment(environ: Mapping[str, str]) -> _Environment:
    # Only names with "__" are ours to judge: GAMECAST_PUSH_KEY belongs to another command, and
    # Kubernetes sets GAMECAST_PORT and the like for a service of that name.
    values: dict[str, Any] = {}
    for name, value in environ.items():
        section, separator, key = name.removeprefix(ENV_PREFIX).lower().partition("__")
        if name.startswith(ENV_PREFIX) and separator:
            values.setdefault(section, {})[key] = value
    return _Environment(values)


def _from_command_line(overrides: Mapping[str, Any]) -> _CommandLine:
    values: dict[str, Any] = {}
    for path, value in overrides.items():
        section, _, key = path.partition(".")
        if value is not None:
            values.setdefault(section, {})[key] = value
    return _CommandLine(values)


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for section, keys in values.items():
        into.setdefault(section, {}).update(keys)


def _describe(details: Mapping[str, Any], layers: list[_Layer]) -> str:
    path = tuple(str(part) for part in details["loc"][:2])
    layer, value = _find(path, layers)
    name = ".".join(path)
    if details["type"] == "extra_forbidden":
        problem = f"unknown key {name} = {_show(path, value)}{_suggest(path)}"
    elif isinstance(value, dict):
        problem = f"{name}: {_reason(details)}"
    else:
        problem = f"{name} = {_show(path, value)}: {_reason(details)}"
    return f"{layer.place(path)}: {problem}"


def _find(path: tuple[str, ...], layers: list[_Layer]) -> tuple[_Layer, Any]:
    """The first source that says something at this path, and what it says."""
    for layer in layers:
        value: Any = layer.values
        for part in path:
            value = value.get(part, _MISSING) if isinstance(value, dict) else _MISSING
        if value is not _MISSING:
            return layer, value
    return layers[-1], _MISSING


def _reason(details: Mapping[str, Any]) -> str:
    message = str(details["msg"]).removeprefix("Value error, ")
    return message.replace("Input should be ", "should be ")


def _show(path: tuple[str, ...], value: Any) -> str:
    if _is_secret(path):
        return "(hidden)"
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return "[…]"  # tables may hold secrets
    text = ascii(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _fields(path: tuple[str, ...]) -> Mapping[str, Any]:
    """The known keys beside the last part of this path."""
    if len(path) == 1:
        return ServeConfig.model_fields
    section = ServeConfig.model_fields.get(path[0])
    model = section.annotation if section is not None else None
    return model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}


def _is_secret(path: tuple[str, ...]) -> bool:
    """Whether this is a secret, or a secret's key misspelt."""
    field = _fields(path).get(_nearest(path) or "")
    return field is not None and field.annotation is SecretStr


def _nearest(path: tuple[str, ...]) -> str | None:
    near = difflib.get_close_matches(path[-1], _fields(path), n=1)
    return near[0] if near else None


def _suggest(path: tuple[str, ...]) -> str:
    near = _nearest(path)
    return f" (did you mean {'.'.join((*path[:-1], near))}?)" if near else ""
