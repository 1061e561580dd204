"""Tokens: of administrators' programs, and of the viewers of one channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest

from sqlalchemy import or_, select

from gamecast.store.channels import find_channel
from gamecast.store.clock import Clock
from gamecast.store.credentials import digest, hint, make_token
from gamecast.store.database import Database
from gamecast.store.errors import UnknownSecret
from gamecast.store.models import ApiToken, Channel, TokenScope


@dataclass(slots=True, frozen=True, kw_only=True)
class TokenOwner:
    """What a valid token stands for."""

    token_id: int
    label: str
    scope: TokenScope
    channel: str | None
    """The one channel that a play token opens."""


@dataclass(slots=True, frozen=True, kw_only=True)
class ListedToken:
    """A token in a list, with the name of its channel."""

    token: ApiToken
    channel: str | None


class Tokens:
    """The tokens of a store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self, *, label: str = "", play: str | None = None, lifetime: timedelta | None = None
    ) -> str:
        """Make a token: for the whole API, or (``play``) for watching that channel.

        This is the only time that it is seen. Raises ``UnknownChannel``.
        """
        now = self._clock()
        token = make_token()
        async with self._database.write() as session:
            channel = await find_channel(session, play) if play is not None else None
            session.add(
                ApiToken(
                    digest=digest(token),
                    hint=hint(token),
                    label=label[:80],
                    scope=TokenScope.PLAY if channel else TokenScope.ADMIN,
                    created_at=now,
                    channel_id=channel.id if channel else None,
                    expires_at=now + lifetime if lifetime is not None else None,
                )
            )
        return token

    async def list(self) -> list[ListedToken]:
        """All tokens, revoked and expired ones too, oldest first."""
        async with self._database.read() as session:
            rows = await session.execute(
                select(ApiToken, Channel.name)
                .outerjoin(Channel, Channel.id == ApiToken.channel_id)
                .order_by(ApiToken.id)
            )
            return [ListedToken(token=row[0], channel=row[1]) for row in rows]

    async def revoke(self, which: str) -> ApiToken:
        """Revoke the token that ``which`` means: its id, its hint, or the token itself.

        Raises ``UnknownSecret`` when none or more than one is meant.
        """
        async with self._database.write() as session:
            in_use = list(
                await session.scalars(select(ApiToken).where(ApiToken.revoked_at.is_(None)))
            )
            meant = [token for token in in_use if which in (str(token.id), token.hint)]
            meant = meant or [t for t in in_use if compare_digest(t.digest, digest(which))]
            if len(meant) != 1:
                raise UnknownSecret(
                    f"{'no token' if not meant else 'more than one token'} in use is meant by that;"
                    " 'gamecast token list' shows their ids"
                )
            meant[0].revoked_at = self._clock()
            return meant[0]

    async def owner_of(self, token: str) -> TokenOwner | None:
        """What a token stands for; ``None`` if it is unknown, revoked or expired.

        One hash and one indexed query, whatever is asked.
        """
        sought = digest(token)
        async with self._database.read() as session:
            row = (
                await session.execute(
                    select(ApiToken, Channel.name)
                    .outerjoin(Channel, Channel.id == ApiToken.channel_id)
                    .where(
                        ApiToken.digest == sought,
                        ApiToken.revoked_at.is_(None),
                        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > self._clock()),
                    )
                )
            ).first()
        if row is None or not compare_digest(row.ApiToken.digest, sought):
            return None
        return TokenOwner(
            token_id=row.ApiToken.id,
            label=row.ApiToken.label,
            scope=TokenScope(row.ApiToken.scope),
            channel=row.name,
        )
