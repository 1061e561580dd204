"""How ``gamecast push`` reads its arguments where typer alone cannot: optional values, profiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from gamecast.cli.errors import USAGE, CliError

if TYPE_CHECKING:
    from typer._click import Context


class PushCommand(TyperCommand):
    """Lets ``--screen``, ``--camera`` and ``--mic`` stand without a value, and reads profiles.

    What follows ``--screen`` is its value if it is a number, and what follows the others if it is
    neither an option nor a destination. A profile's values count where the command line says
    nothing.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Rewrite the arguments, then parse them."""
        rewritten = with_values(args)
        name = _profile_name(rewritten)
        if name is not None:
            known = {param.name: param.multiple or param.nargs == -1 for param in self.params}
            ctx.default_map = {**(ctx.default_map or {}), **read_profile(name, known)}
        return super().parse_args(ctx, rewritten)


def with_values(args: Sequence[str]) -> list[str]:
    """Write bare options with a value: ``--screen=0``, ``--camera=``, ``--mic=``."""
    rewritten, rest = [], list(args)
    while rest:
        argument = rest.pop(0)
        following = rest[0] if rest else ""
        if argument == "--screen":
            argument = f"--screen={rest.pop(0) if following.isdecimal() else 0}"
        elif argument in ("--camera", "--mic"):
            argument = f"{argument}={rest.pop(0) if _is_name(following) else ''}"
        rewritten.append(argument)
    return rewritten


def _is_name(text: str) -> bool:
    from gamecast.client.push.target import RECORDINGS

    destination = "://" in text or Path(text).suffix.lower() in RECORDINGS
    return bool(text) and not text.startswith("-") and not destination


def _profile_name(args: Sequence[str]) -> str | None:
    for index, argument in enumerate(args):
        if argument == "--profile" and index + 1 < len(args):
            return args[index + 1]
        if argument.startswith("--profile="):
            return argument.partition("=")[2]
    return None


def read_profile(name: str, known: dict[str, bool]) -> dict[str, Any]:
    """A profile's values by parameter name; ``known`` says which take a list."""
    from gamecast.client.profiles import ProfileError, load_profile

    try:
        values = load_profile(name)
    except ProfileError as error:
        raise CliError(str(error), exit_status=USAGE) from None
    read: dict[str, Any] = {}
    for key, value in values.items():
        parameter = {"json": "as_json"}.get(key, key.replace("-", "_"))
        if parameter not in known or parameter == "profile":
            raise CliError(f"profile {name}: unknown key {key!r}", exit_status=USAGE)
        if known[parameter]:
            read[parameter] = value if isinstance(value, list) else [value]
        else:
            read[parameter] = value if isinstance(value, bool) else str(value)
    return read
