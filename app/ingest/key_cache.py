"""Who sends: ingest keys resolved once and remembered for a few seconds, so that the hot path never asks the database.

A revoked key stops working within the life of an entry. When the database cannot be asked, a known key keeps working for a
bounded time: an outage of the metadata database must not lose its owner's events.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.identity.contracts import IngestKind, IngestPrincipal, IngestScope
from app.kernel.errors import Forbidden, Unauthorized, Unavailable

LIFE_SECONDS: Final = 5.0
_EARLY_SECONDS: Final = 4.0
"""Age at which the key is asked about again beside the requests, so that none of a busy producer's has to wait for it."""
GRACE_SECONDS: Final = 60.0
_MOST_ENTRIES: Final = 4096
_LONGEST_TOKEN: Final = 512

log = logging.getLogger("plumbline.ingest")


@dataclass(slots=True)
class _Entry:
    principal: IngestPrincipal | None
    looked_up_at: float
    is_renewed: bool = False


def token_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The bearer token, else `X-Api-Key`. Unauthorized when there is no usable key."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    token = token.strip() if scheme == b"Bearer" or scheme.lower() == b"bearer" else b""
    token = token or headers.get(b"x-api-key", b"").strip()
    if not token or len(token) > _LONGEST_TOKEN or not token.isascii():
        raise Unauthorized("missing or malformed credentials")
    return token


def check_principal(principal: IngestPrincipal, tenant_header: bytes | None, now: datetime) -> None:
    """Unauthorized for an expired key, Forbidden for the wrong tenant, a suspended one, or a key made for something else."""
    if principal.expires_at is not None and now >= principal.expires_at:
        raise Unauthorized("unknown or expired key")
    if tenant_header and tenant_header.strip() != principal.tenant_id.encode():
        raise Forbidden("X-Tenant-ID does not match the key's tenant")
    if principal.tenant_status == "suspended":
        raise Forbidden("the tenant is suspended")
    if principal.kind is not IngestKind.EVENTS or principal.scope is IngestScope.READ:
        raise Forbidden("the key may not append events")


class KeyCache:
    """Principals by token, known and unknown ones apart so that a flood of wrong keys cannot push out the right ones."""

    def __init__(self, lookup: Callable[[str], IngestPrincipal | None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lookup = lookup
        self._monotonic = monotonic
        self._known: dict[bytes, _Entry] = {}
        self._unknown: dict[bytes, _Entry] = {}
        self._running: dict[bytes, asyncio.Future[IngestPrincipal | None]] = {}
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="ingest-keys")

    def cached(self, token: bytes) -> IngestPrincipal | None:
        """The principal when a fresh entry has it; None says nothing."""
        entry = self._known.get(token)
        if entry is None:
            return None
        age = self._monotonic() - entry.looked_up_at
        if age >= LIFE_SECONDS:
            return None
        if age >= _EARLY_SECONDS and not entry.is_renewed:
            entry.is_renewed = True
            asyncio.ensure_future(self._look_up_once(token)).add_done_callback(_note_failure)
        return entry.principal

    def expire(self) -> None:
        """Ask about every key at its next use. Entries stay for the time when nobody can be asked."""
        stale = self._monotonic() - LIFE_SECONDS
        for entry in [*self._known.values(), *self._unknown.values()]:
            entry.looked_up_at = min(entry.looked_up_at, stale)

    async def resolve(self, token: bytes) -> IngestPrincipal:
        """The key's principal. Unauthorized when there is none, Unavailable when nobody can tell."""
        principal = self.cached(token)
        if principal is None:
            entry = self._unknown.get(token)
            if entry is None or self._monotonic() - entry.looked_up_at >= LIFE_SECONDS:
                principal = await self._look_up_once(token)
        if principal is None:
            raise Unauthorized("unknown or expired key")
        return principal

    async def _look_up_once(self, token: bytes) -> IngestPrincipal | None:
        """One look-up for all requests that wait for the same key."""
        running = self._running.get(token)
        if running is None:
            running = asyncio.ensure_future(self._look_up(token))
            self._running[token] = running
            running.add_done_callback(lambda _: self._running.pop(token, None))
        return await asyncio.shield(running)

    async def _look_up(self, token: bytes) -> IngestPrincipal | None:
        started = self._monotonic()
        loop = asyncio.get_running_loop()
        try:
            principal = await loop.run_in_executor(self._threads, self._lookup, token.decode("ascii"))
        except (SQLAlchemyError, OSError) as error:
            log.warning("key look-up failed", extra={"reason": type(error).__name__})
            entry = self._known.get(token)
            if entry is not None and started - entry.looked_up_at < GRACE_SECONDS:
                return entry.principal
            raise Unavailable("keys cannot be checked at the moment", retry_after_seconds=5) from error
        keep, drop = (self._unknown, self._known) if principal is None else (self._known, self._unknown)
        drop.pop(token, None)
        keep.pop(token, None)
        keep[token] = _Entry(principal, started)
        if len(keep) > _MOST_ENTRIES:
            del keep[next(iter(keep))]
        return principal

    def close(self) -> None:
        """End the look-up threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _note_failure(renewal: asyncio.Future[IngestPrincipal | None]) -> None:
    """It was logged, and the key is asked about again once its entry is too old."""
    if not renewal.cancelled():
        renewal.exception()
