"""What people and other parts of the product recorded near a departure: plans, notes, changes, drifts, error lines."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from app.detection import planned as planned_events
from app.detection.why.contracts import ChartMark, FieldDrift, LogBurst, PlanChange, PlannedWindow, Subject
from app.detection.why.timing import lead_of
from app.identity.contracts import Actor
from app.logs import searching
from app.logs.searching import Search
from app.metrics.contracts import ScopeType
from app.plan import service as plan
from app.plan.branching import service as branching
from app.plan.branching.views import BranchView
from app.plan.diff import EntityDiff
from app.plan.snapshot import EntityType
from app.plan.vocabulary import DriftStatus

RECENT_REVISIONS = 50
MERGED = "Merged branch "
ERROR_LEVELS = frozenset({"error", "err", "critical", "fatal", "emergency", "alert", "panic"})
USUAL_ERRORS_OVER = timedelta(hours=24)
LINES_LOOKED_AT = 200
_CONCERNED = (EntityType.EVENT_TYPE, EntityType.FIELD, EntityType.EVENT)


def planned(session: Session, actor: Actor, slug: str, subject: Subject) -> list[PlannedWindow]:
    """Planned events of the series or of all series that touch the first bucket."""
    rows = planned_events.planned_windows(session, actor, slug, subject.bucket, subject.bucket + subject.width)
    own = (subject.key.scope_type.value, subject.key.ref)
    return [
        PlannedWindow(row.id, row.name, row.note, row.starts_at, row.ends_at, row.scope_type is not None)
        for row in rows
        if row.scope_type is None or (row.scope_type, row.scope_ref) == own
    ]


def marks(session: Session, actor: Actor, slug: str, subject: Subject) -> list[ChartMark]:
    """Annotations from a lead before the first bucket to its end, of the series' chart or of every chart."""
    found = plan.list_annotations(
        session, actor, slug, scope_type=subject.key.scope_type.value, scope_ref=subject.key.ref,
        time_from=subject.bucket - lead_of(subject), time_to=subject.bucket + subject.width,
    )  # fmt: skip
    return [ChartMark(one.id, one.label, one.bucket, one.scope_type is not None) for one in found]


def plan_changes(session: Session, actor: Actor, slug: str, subject: Subject) -> list[PlanChange]:
    """Revisions of the lead that differ from the one before, those of merges under their branch's name."""
    since, until = subject.bucket - lead_of(subject), subject.bucket + subject.width
    revisions = branching.list_revisions(session, actor, slug, limit=RECENT_REVISIONS, offset=0).items
    near = [place for place, one in enumerate(revisions) if since <= one.created_at < until and place + 1 < len(revisions)]
    if not near:
        return []
    type_name, event_name = _plan_names(session, actor, slug, subject)
    merged = [branch for branch in branching.list_branches(session, actor, slug).items if branch.merged_at is not None]
    found = []
    for place in near:
        revision, older = revisions[place], revisions[place + 1]
        changes = branching.diff_revisions(session, actor, slug, revision.id, older.id)
        if not changes:
            continue
        touched = tuple(sorted({text for change in changes if (text := _touched(change, subject, type_name, event_name))}))
        branch = _merged_then(merged, revision.created_at) if revision.summary.startswith(MERGED) else None
        name = branch.name if branch else revision.summary or "without a summary"
        ref = branch.id if branch else revision.id
        found.append(PlanChange(ref, name, revision.created_at, branch is not None, len(changes), touched))
    return found


def _plan_names(session: Session, actor: Actor, slug: str, subject: Subject) -> tuple[str, str]:
    """The names of the series' event type and event; empty where it has none."""
    types = {kind.id: kind.name for kind in plan.list_event_types(session, actor, slug)}
    match subject.key.scope_type:
        case ScopeType.EVENT:
            event = plan.get_event(session, actor, slug, subject.key.ref)
            return types.get(event.event_type_id, ""), event.name
        case ScopeType.EVENT_TYPE:
            return types.get(subject.key.ref, ""), ""
        case ScopeType.PROJECT_TOTAL:
            return "", ""


def _touched(change: EntityDiff, subject: Subject, type_name: str, event_name: str) -> str:
    entity = change.entity
    if entity.type not in _CONCERNED:
        return ""
    of_type = entity.key[0] == type_name
    match subject.key.scope_type:
        case ScopeType.PROJECT_TOTAL:
            is_touched = True
        case ScopeType.EVENT_TYPE:
            is_touched = of_type
        case ScopeType.EVENT:
            is_touched = of_type and (entity.type is not EntityType.EVENT or entity.name == event_name)
    words = {EntityType.EVENT_TYPE: "the event type", EntityType.FIELD: "the field", EntityType.EVENT: "the event"}
    return f"{words[entity.type]} {entity.name}" if is_touched else ""


def _merged_then(branches: Sequence[BranchView], moment: datetime) -> BranchView | None:
    near = [one for one in branches if one.merged_at is not None and abs(one.merged_at - moment) < timedelta(minutes=1)]
    return min(near, key=lambda one: abs((one.merged_at or moment) - moment), default=None)


def drifts(session: Session, actor: Actor, slug: str, event_type_id: str | None) -> list[FieldDrift]:
    """Drifts of the series' event type, or of all for a total, that somebody may still have to look at."""
    kinds = plan.list_event_types(session, actor, slug)
    if event_type_id is not None:
        kinds = [kind for kind in kinds if kind.id == event_type_id]
    hidden = (DriftStatus.FALSE_POSITIVE, DriftStatus.ACCEPTED)
    return [
        FieldDrift(drift.id, kind.display_name, drift.field_name, drift.drift_type.value, _made_at(drift.id, drift.detected_at))
        for kind in kinds
        for drift in plan.list_drifts(session, actor, slug, kind.id)
        if drift.status not in hidden
    ]


def _made_at(row_id: str, otherwise: datetime) -> datetime:
    """When the row was made, from its UUIDv7: detecting a drift again moves its moment of detection, not its id."""
    try:
        found = uuid.UUID(row_id)
    except ValueError:
        return otherwise
    if found.version != 7:
        return otherwise
    return min(otherwise, datetime.fromtimestamp((found.int >> 80) / 1000, UTC))


def log_bursts(session: Session, actor: Actor, slug: str, subject: Subject) -> list[LogBurst]:
    """Error lines from the bucket before the first one to its end, beside as much time of the day before, by busiest service.

    Errors: Unavailable while the event store cannot be read.
    """
    near = Search(subject.bucket - subject.width, subject.bucket + subject.width)
    before = Search(near.start - max(USUAL_ERRORS_OVER, 4 * subject.width), near.start)
    count = _errors(session, actor, slug, near)
    if count == 0:
        return []
    usual = _errors(session, actor, slug, before) * ((near.stop - near.start) / (before.stop - before.start))
    lines = searching.search(session, actor, slug, near, limit=LINES_LOOKED_AT, offset=0)
    services = Counter(line.service for line in lines if line.severity.lower() in ERROR_LEVELS)
    return [LogBurst(services.most_common(1)[0][0] if services else "", count, usual)]


def _errors(session: Session, actor: Actor, slug: str, wanted: Search) -> int:
    seconds = max(60, int((wanted.stop - wanted.start).total_seconds()))
    counts = searching.histogram(session, actor, slug, wanted, seconds=seconds, zone_of=datetime(1970, 1, 1, tzinfo=UTC))
    return sum(one.count for one in counts if one.severity.lower() in ERROR_LEVELS)
