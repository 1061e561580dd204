"""The ``gamecast`` command. Each subcommand is a module, imported only when it is asked for.

To add one: a module in this folder with ``app``, a ``typer.Typer``, and a line in ``COMMANDS``.
Modules import what is heavy (the server, the database, PyAV) inside their functions, for ``--help``
imports them all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from gamecast import __version__
from gamecast.cli.errors import CliError

if TYPE_CHECKING:
    from typer._click import Command, Context

COMMANDS = (
    *("serve", "push", "setup", "ctl", "devices"),
    *("channel", "key", "token", "admin", "doctor", "bench"),
)


class LazyCommands(TyperGroup):
    """Finds subcommands by name, and turns our errors into a line and an exit status."""

    def list_commands(self, ctx: Context) -> list[str]:
        """The names, in the order in which the help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Import a subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gamecast.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def invoke(self, ctx: Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CliError as error:
            for line in error.lines:
                typer.echo(f"gamecast: {line}", err=True)
            raise typer.Exit(error.exit_status) from None


# No pretty tracebacks: they print local variables, and a local variable may be a stream key.
app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gamecast {__version__}")
        raise typer.Exit


@app.callback()
def gamecast(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Live streaming for games on your own server: publish with OBS, watch in any browser."""


def main() -> None:
    """The console entry point."""
    app()
