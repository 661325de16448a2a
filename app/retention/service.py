"""How long each kind of data is kept, and the passes that remove the rest. Owners only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.eventstore.contracts import EventStore
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import Clock
from app.preferences import service as preferences
from app.retention import repository
from app.retention.contracts import Bound, Kind, RetentionView, RunStatus, RunView
from app.retention.pruning import Pruning, Transaction
from models.erasure import RetentionRun

__all__ = ["begin_due", "change_retention", "get_retention", "is_due", "prune", "request_run"]

EVERY: Final = timedelta(hours=24)
RETRY_AFTER: Final = timedelta(hours=1)
"""A pass in which a kind failed is made again after this."""
RUNS_KEPT: Final = timedelta(days=365)
_ENDED: Final = (RunStatus.COMPLETED, RunStatus.PARTIAL, RunStatus.FAILED)


def get_retention(session: Session, actor: Actor) -> RetentionView:
    """Bounds and the newest pass that ended."""
    actor.require_owner()
    settings = preferences.settings_in(session)
    last = repository.last_run(session, _ENDED)
    return RetentionView(
        bounds=tuple(Bound(kind, int(getattr(settings.retention, kind.setting))) for kind in Kind),
        most_days=settings.storage.retention_days,
        last_run=_view(last) if last else None,
        is_requested=repository.last_run(session, (RunStatus.PENDING, RunStatus.RUNNING)) is not None,
    )


def change_retention(session: Session, actor: Actor, days: Mapping[Kind, int], now: datetime) -> RetentionView:
    """Set bounds, those that are named. What is older is removed by the next pass. Errors: InvalidInput at the setting."""
    actor.require_owner()
    preferences.change_settings(session, actor, {kind.setting: count for kind, count in days.items()}, now)
    return get_retention(session, actor)


def request_run(session: Session, actor: Actor, now: datetime) -> RunView:
    """Have a pass made at once; one that waits or runs already is handed out instead."""
    actor.require_owner()
    row = repository.last_run(session, (RunStatus.PENDING, RunStatus.RUNNING))
    if row is None:
        row = RetentionRun(status=RunStatus.PENDING.value, is_manual=True, started_at=now)
        repository.save(session, row)
        identity.record_audit(session, actor, "retention.run", "retention", row.id)
    return _view(row)


def is_due(session: Session, now: datetime) -> bool:
    """Whether a pass is to be made: once a day, sooner when the last one did not finish, at once when somebody asks."""
    last = repository.last_run(session)
    if last is None or last.status in (RunStatus.PENDING, RunStatus.PARTIAL, RunStatus.RUNNING):
        # One that is running now is a process's that died: there is one pass at a time, and its process asks when it has ended.
        return True
    return now - last.started_at >= (EVERY if last.status == RunStatus.COMPLETED else RETRY_AFTER)


def begin_due(session: Session, now: datetime) -> str | None:
    """Begin the pass that is due; its id, or None when none is."""
    if not is_due(session, now):
        return None
    waiting = repository.last_run(session, (RunStatus.PENDING,))
    row = waiting or RetentionRun(started_at=now)
    row.status, row.started_at = RunStatus.RUNNING.value, now
    repository.save(session, row)
    repository.interrupt_others(session, row.id, now)
    repository.delete_runs(session, now - RUNS_KEPT)
    return row.id


def prune(run_id: str, store: EventStore, transaction: Transaction, clock: Clock, budget_seconds: float) -> RunView:
    """Carry out a pass that was begun and note how it ended. Opens its own transactions."""
    with transaction(write=False) as session:
        bounds = preferences.settings_in(session).retention
    pruning = Pruning(store, transaction, bounds, clock.now(), time.monotonic() + budget_seconds)
    try:
        pruning.run()
    finally:
        with transaction() as session:
            row = repository.run_of(session, run_id) or RetentionRun(id=run_id, started_at=pruning.now)
            row.removed, row.errors, row.finished_at = dict(pruning.removed), dict(pruning.errors), clock.now()
            row.status = _status(pruning).value
            repository.save(session, row)
    return _view(row)


def _status(pruning: Pruning) -> RunStatus:
    if pruning.errors:
        return RunStatus.FAILED
    return RunStatus.PARTIAL if pruning.is_cut_off else RunStatus.COMPLETED


def _view(row: RetentionRun) -> RunView:
    return RunView(
        row.id, RunStatus(row.status), row.is_manual, dict(row.removed), dict(row.errors), row.started_at, row.finished_at
    )
