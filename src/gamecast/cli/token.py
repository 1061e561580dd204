"""``gamecast token``: create, list and revoke tokens for the API and for viewers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from gamecast.cli.errors import USAGE, CliError
from gamecast.cli.options import AsJson, ConfigFile, DataDir
from gamecast.cli.output import print_json, print_table, show_time
from gamecast.cli.stores import with_store

if TYPE_CHECKING:
    from gamecast.store.models import ApiToken
    from gamecast.store.store import Store
    from gamecast.store.tokens import ListedToken

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Tokens: for programs that use the API, and viewers.",
)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@app.command()
def create(
    label: Annotated[str, typer.Option("--label", help="A note: who or what uses it.")] = "",
    play: Annotated[
        str | None,
        typer.Option(
            "--play",
            metavar="CHANNEL",
            help='Only for watching this channel (auth.play = "token"). Default: the whole API.',
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="For instance 90m, 12h or 30d."),
    ] = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Make a token and print it, and nothing else. It is not shown again."""
    lifetime = _parse_time(expires) if expires is not None else None

    async def work(store: Store) -> str:
        return await store.tokens.create(label=label, play=play, lifetime=lifetime)

    typer.echo(with_store(work, config=config, data_dir=data_dir, create=play is None))


@app.command("list")
def list_(as_json: AsJson = False, config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """List all tokens: how they begin, not what they are."""

    async def work(store: Store) -> list[ListedToken]:
        return await store.tokens.list()

    tokens = with_store(work, config=config, data_dir=data_dir)
    if as_json:
        print_json([_values(listed) for listed in tokens])
        return
    rows = [
        (
            str(listed.token.id),
            f"{listed.token.hint}…",
            f"play {listed.channel}" if listed.channel else "api",
            _state(listed.token),
            show_time(listed.token.created_at),
            show_time(listed.token.expires_at),
            listed.token.label,
        )
        for listed in tokens
    ]
    print_table(("ID", "TOKEN", "FOR", "STATE", "CREATED", "EXPIRES", "LABEL"), rows)


@app.command()
def revoke(
    which: Annotated[
        str, typer.Argument(metavar="TOKEN", help="Its id or beginning, as 'list' shows it.")
    ],
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Revoke a token."""

    async def work(store: Store) -> ApiToken:
        return await store.tokens.revoke(which)

    token = with_store(work, config=config, data_dir=data_dir)
    typer.echo(f"Revoked token {token.id} ({token.hint}…).")


def _parse_time(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None or int(match[1]) == 0:
        raise CliError(
            f"--expires {text}: a time is needed, such as 90m, 12h or 30d", exit_status=USAGE
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _state(token: ApiToken) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
        return "expired"
    return "in use"


def _values(listed: ListedToken) -> dict[str, object]:
    token = listed.token
    return {
        "id": token.id,
        "hint": token.hint,
        "scope": token.scope,
        "channel": listed.channel,
        "label": token.label,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }
