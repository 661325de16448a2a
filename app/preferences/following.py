"""Owners change settings through one process; every other one takes them up a moment later."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from app.kernel.database import session_scope
from app.preferences.service import refresh

FOLLOW_SECONDS = 15.0


async def take_up_settings() -> None:
    """Let the stored overrides hold in this process."""
    await asyncio.to_thread(_refresh)


async def follow_settings() -> None:
    """Take up what owners changed through another process, until it is cancelled."""
    while True:
        await asyncio.sleep(FOLLOW_SECONDS)
        with suppress(SQLAlchemyError):  # the database is away for a moment
            await take_up_settings()


def _refresh() -> None:
    with session_scope(write=False) as session:
        refresh(session)
