"""What data has beyond the plan, what the plan has beyond the data, and how much of the data the plan covers (contract 9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, NotFound
from app.kernel.ids import new_id
from app.plan import service as plan
from app.plan.contracts import EventStatus
from app.plan.drafts import BulkChanges
from app.projects import service as projects
from app.reconciliation import policy, repository
from app.reconciliation.contracts import (
    AcceptedShadow,
    ArchivedEvents,
    Comparison,
    Coverage,
    DeadEvent,
    ScanChoice,
    ShadowCandidate,
    ShadowList,
    ShadowStatus,
    TypeCoverage,
    UnmatchedEvent,
)
from models.reconciliation import ShadowEvent


def record_shadow_events(
    session: Session, project_id: str, scan_config_id: str, found: Iterable[UnmatchedEvent], now: datetime
) -> int:
    """Keep what one run counted without finding it in the plan; how many identities that were.

    One that is known already gets this run's count and keeps when it was first seen and what people decided about it.
    """
    event_types = {name: target.id for name, target in plan.scan_targets(session, project_id).items()}
    rows = [
        {
            "id": new_id(),
            "project_id": project_id,
            "scan_config_id": scan_config_id,
            "event_type_name": one.event_type,
            "event_name": one.name,
            "event_type_id": event_types.get(one.event_type),
            "observed_count": one.count,
            "first_seen_at": one.first_bucket,
            "last_seen_at": one.last_bucket,
            "status": ShadowStatus.NEW.value,
            "created_at": now,
            "updated_at": now,
        }
        for one in policy.merged(found)
    ]
    repository.upsert_shadows(session, rows)
    return len(rows)


def list_shadow_events(
    session: Session, actor: Actor, slug: str, *, status: ShadowStatus | None = None, limit: int = 100
) -> ShadowList:
    """The candidates, most frequent first; anybody signed in. Errors: NotFound for an unknown project."""
    project = projects.get_project(session, actor, slug)
    counts = repository.shadow_counts(session, project.id)
    total = sum(counts.values()) if status is None else counts.get(status, 0)
    found = repository.list_shadows(session, project.id, status=status, limit=limit)
    return ShadowList([_candidate(*row) for row in found], total, counts.get(repository.NEW, 0))


def accept_shadow_event(
    session: Session,
    actor: Actor,
    slug: str,
    candidate_id: str,
    *,
    event_type_id: str | None = None,
    name: str | None = None,
    branch: str | None = None,
    now: datetime | None = None,
) -> AcceptedShadow:
    """Plan the candidate: a live event that scans match by the observed name. Editors and owners.

    Errors: NotFound for an unknown candidate, event type or branch; Conflict when it was decided before or an event has this
    identity; InvalidInput without an event type, or for a name or required values that do not fit.
    """
    actor.require_editor()
    row = _undecided(session, actor, slug, candidate_id)
    event_id = plan.create_observed_event(
        session, actor, slug, source_name=row.event_name, event_type_id=event_type_id, event_type_name=row.event_type_name,
        name=name, branch=branch,
    )  # fmt: skip
    plan.touch_last_seen(session, {event_id: row.last_seen_at})
    row.accepted_event_id = event_id
    _decide(session, actor, slug, row, ShadowStatus.ACCEPTED, now)
    return AcceptedShadow(row.id, event_id, ShadowStatus.ACCEPTED)


def dismiss_shadow_event(
    session: Session, actor: Actor, slug: str, candidate_id: str, *, now: datetime | None = None
) -> ShadowStatus:
    """Leave the candidate out of the plan, however often it is seen again. Editors and owners.

    Errors: NotFound for an unknown candidate, Conflict when it was decided before.
    """
    actor.require_editor()
    row = _undecided(session, actor, slug, candidate_id)
    _decide(session, actor, slug, row, ShadowStatus.DISMISSED, now)
    return ShadowStatus.DISMISSED


def reopen_shadow_event(
    session: Session, actor: Actor, slug: str, candidate_id: str, *, now: datetime | None = None
) -> ShadowStatus:
    """Take a decision back: the candidate waits for one again, and the event that accepting it made leaves the plan.

    Editors and owners. Errors: NotFound for an unknown candidate; Conflict when nothing was decided, when somebody changed the
    event since, or when its branch is closed: then it stays.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = _candidate_row(session, project.id, candidate_id)
    if row.status == ShadowStatus.NEW:
        raise Conflict("Nothing was decided about this shadow event")
    event = None if row.accepted_event_id is None else repository.event_of(session, project.id, row.accepted_event_id)
    if event is not None:
        if row.decided_at is None or event.updated_at > row.decided_at:
            raise Conflict("The event was changed since it was accepted. Delete or archive it where it is")
        row.accepted_event_id = None
        session.flush()
        plan.delete_event(session, actor, slug, event.id, branch=event.branch_id)
    row.accepted_event_id = None
    _decide(session, actor, slug, row, ShadowStatus.NEW, now)
    return ShadowStatus.NEW


def list_dead_events(session: Session, actor: Actor, slug: str, *, days: int = 30, now: datetime | None = None) -> list[DeadEvent]:
    """Main's implemented and live events older than `days` and silent for as long, never seen ones first; anybody signed in."""
    project = projects.get_project(session, actor, slug)
    before = policy.cutoff(now or SYSTEM_CLOCK.now(), days)
    return [
        DeadEvent(
            event.id, event.name, event.event_type_id, event_type, event.last_seen_at, event.created_at, EventStatus(event.status)
        )
        for event, event_type in repository.dead_events(session, project.id, before=before)
    ]


def archive_dead_events(
    session: Session,
    actor: Actor,
    slug: str,
    event_ids: Sequence[str],
    *,
    status: EventStatus = EventStatus.ARCHIVED,
    branch: str | None = None,
) -> ArchivedEvents:
    """Give the events the status. Editors and owners. Errors: NotFound when one is missing on the branch; then all stay."""
    distinct = list(dict.fromkeys(event_ids))
    plan.bulk_update_events(session, actor, slug, distinct, BulkChanges(status=status), branch=branch)
    return ArchivedEvents(distinct, status)


def restore_dead_events(
    session: Session,
    actor: Actor,
    slug: str,
    event_ids: Sequence[str],
    *,
    status: EventStatus = EventStatus.LIVE,
    branch: str | None = None,
) -> ArchivedEvents:
    """Take archiving back: the events are expected in the data again. Editors and owners.

    Errors: NotFound when one is missing on the branch, Conflict when one is not archived (any more); then all stay.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    distinct = list(dict.fromkeys(event_ids))
    known = repository.statuses_of(session, project.id, distinct)
    if any(known.get(one, EventStatus.ARCHIVED) != EventStatus.ARCHIVED for one in distinct):
        raise Conflict("One of these events is not archived")
    plan.bulk_update_events(session, actor, slug, distinct, BulkChanges(status=status), branch=branch)
    return ArchivedEvents(distinct, status)


def get_coverage(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    days: int = 14,
    scan_config_id: str | None = None,
    now: datetime | None = None,
) -> Coverage:
    """Coverage per bucket of the last `days`, of all scans together or of one; anybody signed in.

    Errors: NotFound for an unknown project or a scan of another one.
    """
    project = projects.get_project(session, actor, slug)
    if scan_config_id is not None and all(scan.id != scan_config_id for scan in list_scan_choices(session, actor, slug)):
        raise NotFound("Scan not found")
    since = policy.cutoff(now or SYSTEM_CLOCK.now(), days)
    items = policy.summed(repository.coverage_rows(session, project.id, since=since, scan_config_id=scan_config_id))
    total = sum(item.total_count for item in items)
    matched = sum(item.matched_count for item in items)
    return Coverage(items, total, matched, policy.coverage_pct(matched, total), days)


def get_type_coverage(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    days: int = 7,
    scan_config_id: str | None = None,
    now: datetime | None = None,
) -> list[TypeCoverage]:
    """Coverage per event type over the last `days`, the type with most uncovered rows first; anybody signed in.

    Rows of types that the plan lacks belong to none of them. Errors: NotFound for an unknown project.
    """
    project = projects.get_project(session, actor, slug)
    since = policy.cutoff(now or SYSTEM_CLOCK.now(), days)
    return [TypeCoverage(*row) for row in repository.rows_of_types(session, project.id, since=since, scan_config_id=scan_config_id)]


def list_scan_choices(session: Session, actor: Actor, slug: str) -> list[ScanChoice]:
    """The project's scans, oldest first; anybody signed in."""
    project = projects.get_project(session, actor, slug)
    return [ScanChoice(scan.id, scan.name, builtin) for scan, builtin in repository.scans_of_project(session, project.id)]


def get_comparison(session: Session, actor: Actor, slug: str) -> Comparison:
    """Whether scans have held the project's data against its plan; anybody signed in."""
    project = projects.get_project(session, actor, slug)
    return Comparison(*repository.newest_comparison(session, project.id))


def _undecided(session: Session, actor: Actor, slug: str, candidate_id: str) -> ShadowEvent:
    project = projects.get_project(session, actor, slug)
    row = _candidate_row(session, project.id, candidate_id)
    if row.status != ShadowStatus.NEW:
        raise Conflict(f"This shadow event was {row.status} before")
    return row


def _candidate_row(session: Session, project_id: str, candidate_id: str) -> ShadowEvent:
    row = repository.lock_shadow(session, project_id, candidate_id)
    if row is None:
        raise NotFound("Shadow event not found")
    return row


def _decide(session: Session, actor: Actor, slug: str, row: ShadowEvent, status: ShadowStatus, now: datetime | None) -> None:
    row.status = status.value
    is_open = status is ShadowStatus.NEW
    row.decided_by = None if is_open else actor.user_id
    row.decided_at = None if is_open else now or SYSTEM_CLOCK.now()
    session.flush()
    verb = {ShadowStatus.ACCEPTED: "accept", ShadowStatus.DISMISSED: "dismiss", ShadowStatus.NEW: "reopen"}[status]
    identity.record_audit(
        session, actor, f"shadow_event.{verb}", "shadow_event", row.id, project_slug=slug,
        payload={"event_name": row.event_name, "event_id": row.accepted_event_id},
    )  # fmt: skip


def _candidate(row: ShadowEvent, scan_name: str, event_type: str | None) -> ShadowCandidate:
    return ShadowCandidate(
        id=row.id,
        scan_config_id=row.scan_config_id,
        scan_config_name=scan_name,
        event_type_id=row.event_type_id,
        event_type_name=event_type or row.event_type_name,
        event_name=row.event_name,
        observed_count=row.observed_count,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        status=ShadowStatus(row.status),
        accepted_event_id=row.accepted_event_id,
    )
