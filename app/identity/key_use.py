"""When a key or a sign-in was last used, noted without making readers into writers.

The request's own transaction may be a reading one, and a reader of SQLite that begins to write fails at once when somebody
else has written since. So the note is taken after the request's transaction has ended, in a tiny one of its own. It never waits
for another writer: a missed note is made up by the next request with the key.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session

from app.identity import repository
from app.identity.policy import LAST_USED_PRECISION
from app.kernel.clock import as_utc
from app.kernel.database import BUSY_TIMEOUT_MILLISECONDS
from models.identity import ApiKey, IngestKey, UserSession

_PENDING = "plumbline_key_use"

log = logging.getLogger("plumbline.identity")


def note_use(session: Session, key: ApiKey | IngestKey | UserSession, now: datetime) -> None:
    """Set the key's `last_used_at` once the session's transaction has ended, at most once in 60 s."""
    stale = now - LAST_USED_PRECISION
    if key.last_used_at is not None and as_utc(key.last_used_at) > stale:
        return
    table, key_id = type(key), key.id

    def write() -> None:
        with _transaction_that_never_waits(session.get_bind()) as connection:
            repository.note_key_use(connection, table, key_id, now, stale)

    if _PENDING not in session.info:
        session.info[_PENDING] = []
        sa.event.listen(session, "after_transaction_end", _write_pending)
    session.info[_PENDING].append(write)


def _write_pending(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is not None:
        return  # a savepoint ended, the request's transaction goes on
    notes, session.info[_PENDING] = session.info[_PENDING], []
    for write in notes:
        try:
            write()
        except sa.exc.OperationalError:
            log.debug("the database is busy; a key's last use is noted by its next request")


@contextmanager
def _transaction_that_never_waits(bind: sa.Engine | sa.Connection) -> Iterator[sa.Connection]:
    engine = bind.engine
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
            yield connection
        return
    with engine.execution_options(write_transaction=True).connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.cursor().execute("PRAGMA busy_timeout=0")
        try:
            with connection.begin():
                yield connection
        finally:
            driver.cursor().execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MILLISECONDS}")
