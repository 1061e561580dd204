"""Tables. A change here needs a migration in ``migrations/versions`` and a new ``migrate.HEAD``.

Objects that the store returns are detached: plain values, with no further access to the database.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import DateTime, Dialect, ForeignKey, Index, LargeBinary, MetaData, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in, an aware time out; UTC in the database, which need not know zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        return value.astimezone(UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        return value.replace(tzinfo=UTC) if value is not None else None


class KeyScope(StrEnum):
    """What a key of a channel opens."""

    PUBLISH = "publish"
    """Publishing, and watching too."""
    PLAY = "play"
    """Watching only: safe to hand to viewers."""


class TokenScope(StrEnum):
    """What a token opens."""

    ADMIN = "admin"
    """The whole API."""
    PLAY = "play"
    """Watching one channel."""


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, repr=False):
    """Common to all tables. No ``repr`` of columns: one of them is always a secret's hash."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        bytes: LargeBinary(32),
    }
    # Constraints have names of our choosing, so that a migration can say which one it drops.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Channel(Base):
    """What a streamer owns. It is there whether or not it is on air."""

    __tablename__ = "channels"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]

    __table_args__ = (Index("uq_channels_name", text("lower(name)"), unique=True),)


class StreamKey(Base):
    """One key of a channel; only its SHA-256 is kept."""

    __tablename__ = "stream_keys"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    channel_id: Mapped[int] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(80))
    scope: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)

    # An id names the key in a publisher's credential, so it is never given out twice.
    __table_args__ = ({"sqlite_autoincrement": True},)


class ApiToken(Base):
    """A bearer token: of an administrator's program, or of the viewers of one channel."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    digest: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(80))
    scope: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    channel_id: Mapped[int | None] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), index=True, default=None
    )
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class AdminUser(Base):
    """Somebody who may sign in to the admin pages."""

    __tablename__ = "admin_users"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
