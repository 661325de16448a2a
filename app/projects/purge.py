"""Taking the records of deleted projects out of the event store.

A deletion leaves a note in the metadata database. The route acts on it right after its commit, the scheduler again later:
records that were acknowledged before the deletion may reach the store after it, so a note is only dropped by a removal that
succeeds `SETTLED_AFTER` the request, and not while the log holds records from before then.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from app.eventstore.contracts import EventStore
from app.eventstore.service import get_event_store
from app.ingest import service as ingest
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.kernel.settings import get_settings
from app.projects import repository
from models.projects import ProjectRemoval

SETTLED_AFTER = timedelta(minutes=10)
_AT_ONCE = 50

log = logging.getLogger("plumbline.projects")


def purge_removed(store: EventStore | None = None, *, clock: Clock = SYSTEM_CLOCK) -> int:
    """Remove the records of deleted projects; returns how many projects are done for good. Safe to run twice at once.

    Opens its own transactions, none of them around a call to the store. An unreachable store is noted and tried again later.
    """
    with session_scope(write=False) as session:
        waiting = repository.removals(session, _AT_ONCE)
    return sum(_purge(store, removal, clock) for removal in waiting)


def _purge(store: EventStore | None, removal: ProjectRemoval, clock: Clock) -> bool:
    error = None
    # Asked before the removal: what is stored after it would otherwise look as if it had been there.
    is_on_the_way = ingest.is_unstored_before(get_settings().data_dir / "wal", removal.requested_at + SETTLED_AFTER)
    try:
        (store or get_event_store()).delete_project(removal.tenant_id, removal.project_id)
    except Unavailable as problem:
        error = problem.message
        log.warning("records of the deleted project %s stay for now: %s", removal.slug, error)
    now = clock.now()
    with session_scope() as session:
        row = repository.removal(session, removal.project_id)
        if row is None:
            return False
        if error is None and not is_on_the_way and now - row.requested_at >= SETTLED_AFTER:
            session.delete(row)
            return True
        row.attempted_at, row.last_error = now, error and error[:500]
    return False
