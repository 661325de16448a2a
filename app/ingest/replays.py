"""A second look at refused events: those that fit by now are stored. Each step has its own transaction, as in
`app/identity/entrance.py`: the event store is slow, and a write transaction of SQLite keeps every other writer waiting.

Invariant: an event is noted as taken in only after the event store has it. A process that dies in between repeats its blocks
under the same tokens, which the event store knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from sqlmodel import Session

from app.eventstore.service import get_event_store
from app.identity import service as identity
from app.identity.contracts import Actor
from app.ingest import policies, violation_repository
from app.ingest.columns import encode_columns
from app.ingest.contracts import RefusedEvent
from app.ingest.decode import decode_batch
from app.ingest.payloads import COLUMNS, native_block
from app.ingest.project_plans import ProjectPlan
from app.ingest.rules import Cleaned, Reception, TimeWindow, clean_batch
from app.ingest.treated import SecondLook, as_it_may_stand
from app.ingest.violation_service import LONGEST_HOURS, object_of
from app.kernel.database import session_scope
from app.kernel.errors import AppError
from app.kernel.settings import get_settings
from app.projects import service as projects
from app.projects.contracts import ProjectView

MOST_REPLAYED: Final = 10_000
# The newest rows may have others of their second on the way into the store; a later look would make another batch of them.
_SETTLED: Final = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a second look at refused events came to. Those of the last seconds are too fresh to be looked at."""

    replayed: int
    refused_again: int
    already_replayed: int
    too_fresh: int


@dataclass(frozen=True, slots=True)
class _Look:
    """What is looked at, and what is known of the rest."""

    project: ProjectView
    rules: ProjectPlan
    waiting: list[RefusedEvent]
    already: int
    too_fresh: int


def replay_refused(actor: Actor, slug: str, now: datetime, *, reason: str = "") -> Replay:
    """Hold refused events against today's plan and policy and store those that fit, with the times they were sent with.

    Opens its own transactions; the event store is waited for outside them. Safe to repeat: what was taken in is remembered,
    and a look that was interrupted is repeated under the same tokens. Editors and owners. Errors: NotFound, Unavailable.
    """
    actor.require_editor()
    with session_scope(write=False) as session:
        look = _look(session, actor, slug, now, reason, now - timedelta(hours=LONGEST_HOURS))
    taken = _store(look)
    if taken:
        payload = {"reason": reason, "replayed": len(taken)}
        with session_scope() as session:
            project_id = projects.get_project(session, actor, slug).id
            violation_repository.note_replayed(session, project_id, taken, now)
            identity.record_audit(session, actor, "quarantine.replayed", "project", project_id, project_slug=slug, payload=payload)
    return Replay(len(taken), len(look.waiting) - len(taken), look.already, look.too_fresh)


def _look(session: Session, actor: Actor, slug: str, now: datetime, reason: str, since: datetime) -> _Look:
    project = projects.get_project(session, actor, slug)
    waiting: list[RefusedEvent] = []
    already = too_fresh = offset = 0
    while len(waiting) < MOST_REPLAYED:
        found = violation_repository.refused_events(
            project.tenant_id, project.id, since, reason=reason, limit=MOST_REPLAYED, offset=offset
        )
        settled = [record for record in found if record.received_at < now - _SETTLED]
        known = violation_repository.replayed_among(session, project.id, [record.fingerprint for record in settled])
        waiting += [record for record in settled if record.fingerprint not in known]
        already, too_fresh, offset = already + len(known), too_fresh + len(found) - len(settled), offset + MOST_REPLAYED
        if len(found) < MOST_REPLAYED:
            break
    return _Look(project, policies.project_plan(session, project.id), waiting, already, too_fresh)


def _store(look: _Look) -> list[RefusedEvent]:
    tenant_id, project_id = look.project.tenant_id, look.project.id
    taken: list[RefusedEvent] = []
    # By reason too: a look at one reason and one at all of them, at once or after a crash, then make the same blocks.
    for (moment, reason), group in groupby(sorted(look.waiting, key=_block_of), key=_block_of):
        batches = list(_fitting(list(group), tenant_id, project_id, _second_look(look.rules, reason)))
        fitting = [record for _, records in batches for record in records]
        if not fitting:
            continue
        digest = hashlib.sha256("".join(record.fingerprint for record in fitting).encode()).hexdigest()[:32]
        block = native_block([encode_columns([cleaned]) for cleaned, _ in batches], len(fitting))
        token = f"replay:{project_id}:{moment:%Y%m%d%H%M%S}:{digest}"
        get_event_store().insert_block("events", block, columns=COLUMNS, rows=len(fitting), token=token)
        taken += fitting
    return taken


def _second_look(rules: ProjectPlan, reason: str) -> ProjectPlan:
    return rules if rules.checks is None else replace(rules, checks=SecondLook.of(rules.checks, reason))


def _block_of(record: RefusedEvent) -> tuple[datetime, str]:
    return record.received_at.replace(microsecond=0), record.reason


def _fitting(
    records: Sequence[RefusedEvent], tenant_id: str, project_id: str, rules: ProjectPlan
) -> Iterator[tuple[Cleaned, list[RefusedEvent]]]:
    """The events that pass by now, request by request: what came without a time gets the one it was received at."""
    settings = get_settings()
    window = TimeWindow.of(
        max_age_days=min(settings.ingest.max_age_days, settings.storage.retention_days),
        max_future_hours=settings.ingest.max_future_hours,
    )
    for received_at, group in groupby(records, key=lambda record: record.received_at):
        readable = [record for record in group if object_of(record.raw)]
        if not readable:
            continue
        body = b'{"events":[' + b",".join(as_it_may_stand(record.raw, record.reason).encode() for record in readable) + b"]}"
        try:
            batch = decode_batch(body, len(readable))
            cleaned = clean_batch(batch, Reception(tenant_id, project_id, rules, window, received_at))
        except AppError:
            continue
        faulty = {index for index, _ in cleaned.faults}
        if cleaned.count:
            yield cleaned, [record for index, record in enumerate(readable) if index not in faulty]
