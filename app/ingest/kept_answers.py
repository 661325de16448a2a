"""Answers kept under the `Idempotency-Key` of their requests, so that a request sent again is answered and not carried out again.

A key is claimed before the events are stored and gets its answer afterwards. A claim without an answer stands for a request that is
under way or whose process ended; after half a minute the next request with the key takes it over. Its events then get the same ids
as before, and those that had been stored are recognised by them.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.ingest import repository
from app.kernel.clock import Clock
from app.kernel.errors import BadRequest, Conflict, Unavailable

KEPT_FOR: Final = timedelta(hours=24)
CLAIM_LASTS: Final = timedelta(seconds=30)
_KEY: Final = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")

Result = TypeVar("Result")
Transaction = Callable[[], AbstractContextManager[Session]]


def idempotency_key(header: bytes | None) -> str:
    """The header's key, empty without one. BadRequest for something that is no key of 1 to 255 printable characters."""
    if header is None:
        return ""
    if not _KEY.fullmatch(header.strip()):
        raise BadRequest("Idempotency-Key must have 1 to 255 printable ASCII characters")
    return header.strip().decode("ascii")


class KeptAnswers:
    """The answers of all processes on one database. Errors of every method: Unavailable while the database does not respond."""

    def __init__(self, transaction: Transaction, clock: Clock) -> None:
        self._transaction = transaction
        self._clock = clock

    async def claim(self, project_id: str, key: str, body: bytes) -> bytes | None:
        """Take the key for this body, or the answer that the same request got before.

        Conflict when the key came with another body, and while the first request with it is under way.
        """
        return await asyncio.to_thread(self._run, lambda session: self._claim(session, project_id, key, body))

    async def keep(self, project_id: str, key: str, answer: bytes) -> None:
        """Answer later requests with the key in the same way, for a day."""
        await asyncio.to_thread(self._run, lambda session: repository.store_answer(session, project_id, key, answer.decode()))

    async def release(self, project_id: str, key: str) -> None:
        """Give the key back: nothing was stored under it."""
        await asyncio.to_thread(self._run, lambda session: repository.delete_request(session, project_id, key))

    def _claim(self, session: Session, project_id: str, key: str, body: bytes) -> bytes | None:
        now, digest = self._clock.now(), hashlib.sha256(body).hexdigest()
        if repository.claim_request(session, project_id, key, digest, now):
            return None
        row = repository.find_request(session, project_id, key)
        if row is None:
            raise Conflict("a request with this Idempotency-Key has just ended; send it again")
        is_over = row.claimed_at <= now - (KEPT_FOR if row.answer is not None else CLAIM_LASTS)
        if not is_over and row.body_digest != digest:
            raise Conflict("this Idempotency-Key came with another body before")
        if is_over:
            row.body_digest, row.answer, row.claimed_at = digest, None, now
            return None
        if row.answer is None:
            raise Conflict("a request with this Idempotency-Key is still under way")
        return row.answer.encode()

    def _run(self, work: Callable[[Session], Result]) -> Result:
        try:
            with self._transaction() as session:
                return work(session)
        except SQLAlchemyError as error:
            raise Unavailable("the database does not respond", retry_after_seconds=5) from error
