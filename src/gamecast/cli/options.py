"""Options that several commands share, and the configuration they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gamecast.cli.errors import USAGE, CliError

if TYPE_CHECKING:
    from gamecast.server.config import ServeConfig

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Configuration in TOML.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="DIR", help="Where the server's data is. Default: ./gamecast-data"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def read_config(file: Path | None, overrides: dict[str, Any]) -> ServeConfig:
    """The configuration from file, environment and these options; a mistake ends the command."""
    from gamecast.server.config_load import ConfigError, load_config

    try:
        return load_config(file, overrides)
    except ConfigError as error:
        raise CliError(*error.problems, exit_status=USAGE) from None
