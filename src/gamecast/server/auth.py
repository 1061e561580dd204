"""Who may publish, watch and administrate: one answer for all protocols.

A session asks with what its protocol carries (a name, a key, a token) and gets a grant or a
:class:`Refusal`, whose ``reason`` it puts into its protocol's own words. A refusal looks and takes
the same whether or not the channel exists: one hash, one query, and an answer no sooner than
``REFUSAL_SECONDS`` after the question.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import TypeVar

import structlog

from gamecast.server.auth_answers import AdminGrant, Grant, PlayGrant, Reason, Refusal
from gamecast.server.auth_throttle import Throttle, source_of
from gamecast.server.config import AuthSection
from gamecast.store.credentials import digest, looks_like_key
from gamecast.store.errors import StoreUnavailable
from gamecast.store.keys import KeyOwner
from gamecast.store.models import KeyScope, TokenScope
from gamecast.store.names import is_valid_name
from gamecast.store.store import Store

REFUSAL_SECONDS = 0.1
"""No refusal is sooner, so that time does not tell what was wrong."""
_MAX_WAITING = 256
_PLAY_CACHE_SECONDS = 10.0
_PLAY_CACHE_SIZE = 4_096

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One question, as the throttle counts it: it never sees the secret, only its hash."""

    address: str
    identity: str
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str, *, identity: str, address: str) -> _Attempt:
        return cls(address=address, identity=identity[:64], digest=digest(secret))


class Authenticator:
    """Answers for all protocols. One lives as long as the server."""

    def __init__(
        self,
        store: Store,
        config: AuthSection,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self._throttle = Throttle(clock=clock)
        self._waiting = 0
        self._may_play: dict[tuple[str, bytes], float] = {}

    # Publishing ---------------------------------------------------------------------------------

    async def authorize_publish(
        self, *, name: str | None, key: str | None, address: str
    ) -> Grant | Refusal:
        """Whether this peer may publish.

        ``name`` and ``key`` are what came: a name with ``?key=``; or only one of them, for RTMP
        cannot tell whether ``rtmp://host/live/X`` means a key or a name.
        """
        asked = self._clock()
        answer = await self._publish(name, key, address)
        if isinstance(answer, Refusal):
            await self._refuse("publish", answer, address, asked)
        return answer

    async def still_valid(self, grant: Grant) -> bool:
        """Whether a grant given earlier still holds: its key is not revoked, its channel there.

        One cheap query, for a server that asks every few seconds for each publisher on air.
        A database that does not answer ends nobody's stream.
        """
        if grant.key_id is None:
            return True
        try:
            return await self._store.keys.is_in_use(grant.key_id)
        except StoreUnavailable:
            return True

    async def _publish(self, name: str | None, key: str | None, address: str) -> Grant | Refusal:
        if not key and name and looks_like_key(name):
            name, key = None, name
        refused = Refusal(Reason.MISSING)
        if key and (self._config.publish == "key" or looks_like_key(key)):
            owner = await self._key_owner(name, key, address, scope=KeyScope.PUBLISH)
            if isinstance(owner, KeyOwner):
                return await self._keyed(owner)
            refused = owner
        if self._config.publish == "open":
            return await self._open(name or key or "", address)
        return refused

    async def _keyed(self, owner: KeyOwner) -> Grant:
        try:
            await self._store.keys.mark_used(owner.key_id)
        except StoreUnavailable as error:  # a full disk must not keep a publisher off air
            log.warning("auth.key_use_not_recorded", channel=owner.channel, error=str(error))
        return Grant(
            channel=owner.channel,
            title=owner.title,
            key_id=owner.key_id,
            credential=f"key:{owner.key_id}",
        )

    async def _open(self, name: str, address: str) -> Grant | Refusal:
        if looks_like_key(name):  # a revoked key must not become a name that everybody sees
            return Refusal(Reason.DENIED)
        if not name:
            return Refusal(Reason.MISSING)
        if not is_valid_name(name):
            return Refusal(Reason.INVALID_NAME)
        try:
            channel = await self._store.channels.find(name)
        except StoreUnavailable:
            channel = None
        title = channel.title if channel is not None else ""
        credential = f"address:{source_of(address)}"
        return Grant(channel=name, title=title, key_id=None, credential=credential)

    # Watching -----------------------------------------------------------------------------------

    async def authorize_play(
        self, *, name: str, credential: str | None, address: str
    ) -> PlayGrant | Refusal:
        """Whether this peer may watch; ``credential`` is the key or token that came with it."""
        if self.may_play_now(name=name, credential=credential):
            return PlayGrant(channel=name)
        asked = self._clock()
        answer = await self._play(name, credential or "", address)
        if isinstance(answer, Refusal):
            await self._refuse("play", answer, address, asked)
        return answer

    def may_play_now(self, *, name: str, credential: str | None) -> bool:
        """Whether :meth:`authorize_play` would say yes without asking the store.

        A player asks for a playlist several times a second, thousands of players with one token.
        """
        if self._config.play == "open":
            return True
        until = self._may_play.get((name, digest(credential)), 0.0) if credential else 0.0
        return until > self._clock()

    async def _play(self, name: str, secret: str, address: str) -> PlayGrant | Refusal:
        if not secret:
            return Refusal(Reason.MISSING)
        opens: KeyOwner | bool | Refusal
        if self._config.play == "key":
            opens = await self._key_owner(name, secret, address, scope=KeyScope.PLAY)
        else:
            opens = await self._token_opens(name, secret, address)
        if isinstance(opens, Refusal):
            return opens
        if len(self._may_play) >= _PLAY_CACHE_SIZE:
            self._may_play.clear()
        self._may_play[name, digest(secret)] = self._clock() + _PLAY_CACHE_SECONDS
        return PlayGrant(channel=name)

    async def _token_opens(self, name: str, secret: str, address: str) -> bool | Refusal:
        async def check() -> bool:
            owner = await self._store.tokens.owner_of(secret)
            return owner is not None and (
                owner.scope is TokenScope.ADMIN or _same(owner.channel or "", name)
            )

        return await self._checked(_Attempt.of(secret, identity=name, address=address), check)

    # Administration -----------------------------------------------------------------------------

    async def authorize_admin(self, *, token: str | None, address: str) -> AdminGrant | Refusal:
        """Whether this bearer token opens the API."""
        asked = self._clock()
        answer = await self._admin(token or "", address)
        if isinstance(answer, Refusal):
            await self._refuse("admin", answer, address, asked)
        return answer

    async def _admin(self, secret: str, address: str) -> AdminGrant | Refusal:
        if not secret:
            return Refusal(Reason.MISSING)

        async def check() -> AdminGrant | None:
            owner = await self._store.tokens.owner_of(secret)
            if owner is None or owner.scope is not TokenScope.ADMIN:
                return None
            return AdminGrant(label=owner.label)

        return await self._checked(_Attempt.of(secret, identity="@api", address=address), check)

    # Common to all ------------------------------------------------------------------------------

    async def _key_owner(
        self, name: str | None, key: str, address: str, *, scope: KeyScope
    ) -> KeyOwner | Refusal:
        """What a key stands for, if it opens ``scope`` of the channel named, if one is."""

        async def check() -> KeyOwner | None:
            owner = await self._store.keys.owner_of(key)
            if owner is None or not _same(owner.channel, owner.channel if name is None else name):
                return None
            return owner if owner.scope in (KeyScope.PUBLISH, scope) else None

        attempt = _Attempt.of(key, identity=name or "@key", address=address)
        return await self._checked(attempt, check)

    async def _checked(
        self, attempt: _Attempt, check: Callable[[], Awaitable[T | None]]
    ) -> T | Refusal:
        """Run a check unless throttled, and count how it went."""
        if not self._throttle.admits(
            address=attempt.address, identity=attempt.identity, digest=attempt.digest
        ):
            return Refusal(Reason.THROTTLED)
        try:
            found = await check()
        except StoreUnavailable as error:
            log.error("auth.unavailable", error=str(error))
            return Refusal(Reason.UNAVAILABLE)
        if not found:
            self._throttle.failed(
                address=attempt.address, identity=attempt.identity, digest=attempt.digest
            )
            return Refusal(Reason.DENIED)
        self._throttle.succeeded(digest=attempt.digest)
        return found

    async def _refuse(self, what: str, refusal: Refusal, address: str, asked: float) -> None:
        """Log the refusal and let its time come. Beyond a bound of waiters, nobody waits."""
        log.warning("auth.refused", what=what, reason=refusal.reason.value, peer=address)
        rest = asked + REFUSAL_SECONDS - self._clock()
        if rest <= 0 or self._waiting >= _MAX_WAITING:
            return
        self._waiting += 1
        try:
            await self._sleep(rest)
        finally:
            self._waiting -= 1


def _same(one: str, other: str) -> bool:
    """Equal, in a time that does not depend on where they differ."""
    return compare_digest(one.encode(), other.encode("utf-8", "replace"))
