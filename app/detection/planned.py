"""Departures that somebody expects: planned events, and verdicts that an incident was expected.

Neither changes what is found. A departure that is expected stays stored and is shown as such, and nobody is alerted about it; so
removing a planned event or taking a verdict back needs no new judgement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.detection import repository, tuning_repository
from app.detection.contracts import Direction
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput, NotFound
from app.metrics.contracts import ScopeType, SeriesKey
from app.projects import service as projects
from models.detection import PlannedEvent

LONGEST_NAME = 200
LONGEST_NOTE = 1_000
_AFTER_LAST_BUCKET = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Departures of a series, or of every one, in [starts_at, ends_at) are expected, for the reason given.

    One that begins in an open-ended window may outlast it.
    """

    starts_at: datetime
    ends_at: datetime
    reason: str
    is_open_ended: bool = False
    scope_type: ScopeType | None = None
    scope_ref: str | None = None
    scan_config_id: str | None = None
    direction: Direction | None = None

    def covers(self, key: SeriesKey, direction: Direction, bucket: datetime, last_bucket: datetime, width: timedelta) -> bool:
        """Whether the departure lies within the window."""
        if self.scope_type is not None and (self.scope_type, self.scope_ref) != (key.scope_type, key.ref):
            return False
        if self.scan_config_id not in (None, key.scan_config_id) or self.direction not in (None, direction):
            return False
        return bucket + width > self.starts_at and (bucket if self.is_open_ended else last_bucket) < self.ends_at


@dataclass(frozen=True, slots=True)
class Expected:
    """Everything that is expected in a project."""

    windows: tuple[Window, ...] = ()

    def reason(
        self, key: SeriesKey, direction: Direction, bucket: datetime, last_bucket: datetime, width: timedelta = timedelta(0)
    ) -> str:
        """Why the departure is expected; empty when nobody said so. What was said of the series comes before what is for all."""
        found = [one for one in self.windows if one.covers(key, direction, bucket, last_bucket, width)]
        return min(found, key=lambda one: (one.scope_type is None, one.starts_at, one.reason)).reason if found else ""


def expected_departures(session: Session, project_id: str, since: datetime, until: datetime | None = None) -> Expected:
    """What is expected of the project's series in [since, until)."""
    windows = [
        Window(
            row.starts_at,
            row.ends_at,
            f"Planned: {row.name}",
            False,
            None if row.scope_type is None else ScopeType(row.scope_type),
            row.scope_ref,
        )
        for row in tuning_repository.planned_events(session, project_id, since, until)
    ]
    for verdict in tuning_repository.expected_verdicts(session, project_id, since):
        said = f"Expected, says {verdict.created_by_name}" if verdict.created_by_name else "Expected"
        windows.append(
            Window(
                verdict.started_at,
                verdict.ended_at + _AFTER_LAST_BUCKET,
                said if not verdict.note else f"{said}: {verdict.note}",
                True,  # an incident that grew after somebody looked at it is still the same one
                ScopeType(verdict.scope_type),
                verdict.scope_ref,
                verdict.scan_config_id,
                Direction(verdict.direction),
            )
        )
    return Expected(tuple(windows))


def plan_window(
    session: Session,
    actor: Actor,
    slug: str,
    name: str,
    starts_at: datetime,
    ends_at: datetime,
    *,
    note: str = "",
    scope_type: ScopeType | None = None,
    scope_ref: str | None = None,
) -> PlannedEvent:
    """Say that departures in [starts_at, ends_at) are expected, of one scope or of all. Editors and owners.

    Errors: NotFound, also for a scope of another project; InvalidInput for an empty or long name, a long note, an end that is not
    after the start, a ref without its scope type.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidInput(f"must have 1 to {LONGEST_NAME} characters", field="name")
    if len(note) > LONGEST_NOTE:
        raise InvalidInput(f"must have at most {LONGEST_NOTE} characters", field="note")
    if ends_at <= starts_at:
        raise InvalidInput("must be after starts_at", field="ends_at")
    if (scope_type is None) != (scope_ref is None):
        raise InvalidInput("needs both the type and the ref of the scope", field="scope_ref")
    if scope_type is not None and scope_ref is not None:
        _check_scope(session, project.id, scope_type, scope_ref)
    row = PlannedEvent(
        project_id=project.id,
        name=name,
        note=note.strip(),
        starts_at=starts_at,
        ends_at=ends_at,
        scope_type=None if scope_type is None else scope_type.value,
        scope_ref=scope_ref,
        created_by=actor.user_id,
    )
    tuning_repository.add(session, row)
    identity.record_audit(
        session, actor, "planned_event.create", "planned_event", row.id, project_slug=slug, payload={"name": name}
    )
    return row


def drop_window(session: Session, actor: Actor, slug: str, planned_event_id: str) -> None:
    """Remove a planned event. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = tuning_repository.planned_row(session, project.id, planned_event_id)
    if row is None:
        raise NotFound("Planned event not found")
    tuning_repository.delete(session, row)
    identity.record_audit(session, actor, "planned_event.delete", "planned_event", planned_event_id, project_slug=slug)


def planned_windows(
    session: Session, actor: Actor, slug: str, start: datetime | None = None, stop: datetime | None = None
) -> list[PlannedEvent]:
    """The planned events that touch [start, stop), newest start first. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return tuning_repository.planned_events(session, project.id, start, stop)


def _check_scope(session: Session, project_id: str, scope_type: ScopeType, scope_ref: str) -> None:
    if scope_type is ScopeType.PROJECT_TOTAL:
        is_known = scope_ref in repository.scan_names(session, project_id)
    else:
        is_known = (scope_type, scope_ref) in repository.scope_names(session, project_id)
    if not is_known:
        raise NotFound("Scope not found")
