"""How stream keys are shown: never the key, only what tells it from others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gamecast.cli.output import print_table, show_time

if TYPE_CHECKING:
    from gamecast.store.models import StreamKey


def print_keys(keys: list[StreamKey]) -> None:
    """Keys as a table."""
    rows = [
        (
            str(key.id),
            f"{key.hint}…",
            key.scope,
            "revoked" if key.revoked_at is not None else "in use",
            show_time(key.created_at),
            show_time(key.last_used_at),
            key.label,
        )
        for key in keys
    ]
    print_table(("ID", "KEY", "FOR", "STATE", "CREATED", "LAST USED", "LABEL"), rows)


def key_values(key: StreamKey) -> dict[str, Any]:
    """A key for JSON."""
    return {
        "id": key.id,
        "hint": key.hint,
        "scope": key.scope,
        "label": key.label,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
