"""Administrators, who sign in with a name and a password."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from gamecast.store.clock import Clock
from gamecast.store.credentials import hash_password, make_password, verify_password
from gamecast.store.database import Database
from gamecast.store.models import AdminUser

FIRST_ADMIN = "admin"


class Admins:
    """The administrators of a store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def exist(self) -> bool:
        """Whether there is any."""
        async with self._database.read() as session:
            return await session.scalar(select(AdminUser.id).limit(1)) is not None

    async def reset_password(self, name: str = FIRST_ADMIN) -> str:
        """Give an administrator (a new one, if need be) a new password and return it."""
        password = make_password()
        hashed = await asyncio.to_thread(hash_password, password)
        async with self._database.write() as session:
            user = await session.scalar(select(AdminUser).where(AdminUser.name == name))
            if user is None:
                user = AdminUser(name=name, password_hash=hashed, created_at=self._clock())
                session.add(user)
            user.password_hash = hashed
        return password

    async def verify(self, name: str, password: str) -> bool:
        """Whether this is the password of this administrator; as slow for an unknown name."""
        async with self._database.read() as session:
            stored = await session.scalar(
                select(AdminUser.password_hash).where(AdminUser.name == name)
            )
        return await asyncio.to_thread(verify_password, stored, password)
