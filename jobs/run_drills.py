"""Begins the fire drills that are due and walks every canary on its road, one step per turn."""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.alerting import drills_road as road
from app.alerting.drills import DrillStage
from app.eventstore.contracts import EventStore
from app.eventstore.service import get_event_store
from app.ingest import service as ingest
from app.ingest.service import RecordLines
from app.kernel.database import session_scope
from app.kernel.errors import AppError, Unavailable
from app.kernel.telemetry import JOB_RUNS
from jobs.leadership import Leadership

NAME = "run_drills"
log = logging.getLogger("plumbline.jobs")

Keep = Callable[[RecordLines], object]


def run(leadership: Leadership, *, keep: Keep = ingest.keep_from_thread, store: EventStore | None = None) -> int:
    """One step of every drill; how many drills are under way. A drill that fails to step does not hold the others back."""
    now = leadership.clock.now()
    with session_scope(write=False) as session:
        is_due, under_way = road.has_due(session, now), road.under_way(session)
    if is_due:
        with leadership.turn() as session:
            if session is not None:
                under_way += road.begin_due(session, now)
    for run_id in under_way:
        try:
            _step(leadership, run_id, keep, store)
        except Exception:
            JOB_RUNS.labels(job=NAME, result="failed").inc()
            log.exception("fire drill %s could not take its next step", run_id)
    return len(under_way)


def _step(leadership: Leadership, run_id: str, keep: Keep, store: EventStore | None) -> None:
    if not _ingest(leadership, run_id, keep, store):
        return
    with leadership.turn() as session:
        found = None if session is None else road.running_run(session, run_id)
        if session is not None and found is not None:
            road.advance(session, found, leadership.clock.now())


def _ingest(leadership: Leadership, run_id: str, keep: Keep, store: EventStore | None) -> bool:
    """Send the canary once and look whether the event store has it; False when this process does not lead."""
    with leadership.turn() as session:
        found = None if session is None else road.running_run(session, run_id)
        if session is None or found is None:
            return False
        if found.ingested_at is not None:
            return True
        tenant_id, project_id = road.canary_tenant(session, found), found.canary_project_id
        lines = None
        if found.posted_at is None:
            found.posted_at = leadership.clock.now()
            lines = road.canary_lines(session, found, found.posted_at)
    refusal = _kept(keep, lines)
    is_stored = refusal is None and _is_stored(store, tenant_id, project_id)
    if refusal is None and not is_stored:
        return True
    with leadership.turn() as session:
        found = None if session is None else road.running_run(session, run_id)
        if session is None or found is None:
            return False
        if refusal is not None:
            road.fail(session, found, DrillStage.INGESTED, f"Ingest did not take the canary: {refusal}", leadership.clock.now())
        else:
            road.note_ingested(session, found, leadership.clock.now())
    return True


def _kept(keep: Keep, lines: RecordLines | None) -> str | None:
    """Why the records were not taken; None when they were."""
    if lines is None:
        return None
    try:
        keep(lines)
    except AppError as refusal:
        return refusal.message
    except TimeoutError:
        return "it did not answer within a minute"
    return None


def _is_stored(store: EventStore | None, tenant_id: str, project_id: str) -> bool:
    try:
        return (store or get_event_store()).received_span(tenant_id, project_id, "event", None) is not None
    except Unavailable:
        return False
