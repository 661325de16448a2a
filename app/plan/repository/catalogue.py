"""Queries of the catalogue: branches, what scans match on, and the narrow lists of pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.database import read_once
from app.plan.repository.matching import contains
from app.plan.sync import KnownEvent
from models.plan import Event, EventType, PlanBranch

MAIN = "main"


def find_main_branch(session: Session, project_id: str) -> str | None:
    """Id of the project's main branch."""

    def read() -> str | None:
        statement = sa.select(col(PlanBranch.id)).where(col(PlanBranch.project_id) == project_id, col(PlanBranch.kind) == MAIN)
        return session.execute(statement.limit(1)).scalar_one_or_none()

    return read_once(session, ("main branch", project_id), read)


def branch_of_project(session: Session, project_id: str, branch_id: str, *, is_locked: bool = False) -> PlanBranch | None:
    """The project's branch as it is now; `is_locked` holds it until the transaction ends."""
    statement = sa.select(PlanBranch).where(col(PlanBranch.project_id) == project_id, col(PlanBranch.id) == branch_id)
    if is_locked:
        statement = statement.with_for_update()
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def lock_branch(session: Session, branch_id: str) -> None:
    """Hold the branch until the transaction ends, so that two scans do not create the same event."""
    session.execute(sa.select(col(PlanBranch.id)).where(col(PlanBranch.id) == branch_id).with_for_update())


def event_types_by_name(session: Session, branch_id: str) -> dict[str, EventType]:
    """The branch's event types."""
    rows = session.execute(sa.select(EventType).where(col(EventType.branch_id) == branch_id)).scalars()
    return {row.name: row for row in rows}


def event_types_with_counts(session: Session, branch_id: str) -> list[tuple[EventType, int]]:
    """Event types in their order with the number of events in each."""
    counted = (
        sa.select(EventType, sa.func.count(col(Event.id)))
        .outerjoin(Event, col(Event.event_type_id) == col(EventType.id))
        .where(col(EventType.branch_id) == branch_id)
        .group_by(col(EventType.id))
        .order_by(col(EventType.order), col(EventType.name))
    )
    return [(row[0], row[1]) for row in session.execute(counted)]


def known_events(session: Session, branch_id: str) -> list[KnownEvent]:
    """All events of the branch, narrow."""
    statement = sa.select(col(Event.id), col(Event.event_type_id), col(Event.name), col(Event.source_name))
    rows = session.execute(statement.where(col(Event.branch_id) == branch_id))
    return [KnownEvent(*row) for row in rows]


def identity_rows(session: Session, branch_id: str, *, without_status: str | None = None) -> list[tuple[str, str, str, str]]:
    """(event type name, identity, event type id, event id) of the branch's events; the identity is source_name, else name."""
    statement = (
        sa.select(col(EventType.name), sa.func.coalesce(col(Event.source_name), col(Event.name)), col(EventType.id), col(Event.id))
        .join(EventType, col(EventType.id) == col(Event.event_type_id))
        .where(col(Event.branch_id) == branch_id)
    )
    if without_status is not None:
        statement = statement.where(col(Event.status) != without_status)
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(statement)]


def highest_order(session: Session, branch_id: str, table: type[Event] | type[EventType]) -> int:
    """The largest `order` in use, -1 when there is nothing yet."""
    statement = sa.select(sa.func.max(col(table.order))).where(col(table.branch_id) == branch_id)
    found = session.execute(statement).scalar_one()
    return -1 if found is None else int(found)


def insert_events(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many events at once."""
    if rows:
        session.execute(sa.insert(Event), list(rows))


def adopt(session: Session, source_names: Mapping[str, str]) -> None:
    """Give hand-made events (by id) the identity a scan found for them."""
    if source_names:
        events = cast(sa.Table, Event.__table__)  # type: ignore[attr-defined]
        statement = sa.update(events).where(events.c.id == sa.bindparam("event")).values(source_name=sa.bindparam("found"))
        session.connection().execute(statement, [{"event": key, "found": value} for key, value in source_names.items()])


def advance_last_seen(session: Session, seen: Mapping[str, datetime]) -> None:
    """Move `last_seen_at` of the events (by id) forward, never backward; `updated_at` stays, nobody edited the plan."""
    if not seen:
        return
    events = cast(sa.Table, Event.__table__)  # type: ignore[attr-defined]
    moment = sa.bindparam("moment", type_=events.c.last_seen_at.type)
    statement = (
        sa.update(events)
        .where(events.c.id == sa.bindparam("event"), sa.or_(events.c.last_seen_at.is_(None), events.c.last_seen_at < moment))
        .values(last_seen_at=moment, updated_at=events.c.updated_at)
    )
    session.connection().execute(statement, [{"event": key, "moment": value} for key, value in seen.items()])


def _listing(branch_id: str, search: str, statuses: Iterable[str]) -> sa.Select[*tuple[Any, ...]]:
    statement = (
        sa.select(Event, col(EventType.name), col(EventType.color))
        .join(EventType, col(EventType.id) == col(Event.event_type_id))
        .where(col(Event.branch_id) == branch_id)
    )
    if search:
        columns = (col(Event.name), col(Event.description), col(Event.source_name))
        statement = statement.where(sa.or_(*(contains(column, search) for column in columns)))
    wanted = list(statuses)
    if wanted:
        statement = statement.where(col(Event.status).in_(wanted))
    return statement


def page_of_events(
    session: Session, branch_id: str, *, search: str, statuses: Iterable[str], limit: int, offset: int
) -> tuple[list[tuple[Event, str, str]], int]:
    """One page of (event, event type name, event type colour) and the number of matches before slicing."""
    statement = _listing(branch_id, search, statuses)
    total = session.execute(
        sa.select(sa.func.count()).select_from(statement.with_only_columns(col(Event.id)).subquery())
    ).scalar_one()
    ordered = statement.order_by(col(Event.order), col(Event.created_at).desc(), col(Event.id)).limit(limit).offset(offset)
    return [(row[0], row[1], row[2]) for row in session.execute(ordered)], total


def event_type_names(session: Session, branch_id: str, limit: int) -> list[tuple[str, str]]:
    """(id, display name) of the first event types of the branch in their order."""
    statement = sa.select(col(EventType.id), col(EventType.display_name)).where(col(EventType.branch_id) == branch_id)
    ordered = statement.order_by(col(EventType.order), col(EventType.name)).limit(limit)
    return [(row[0], row[1]) for row in session.execute(ordered)]


def event_names(session: Session, branch_id: str, limit: int) -> list[tuple[str, str]]:
    """(id, name) of the first events of the branch by order, then newest first."""
    statement = sa.select(col(Event.id), col(Event.name)).where(col(Event.branch_id) == branch_id)
    ordered = statement.order_by(col(Event.order), col(Event.created_at).desc(), col(Event.id)).limit(limit)
    return [(row[0], row[1]) for row in session.execute(ordered)]


def events_by_id(session: Session, project_id: str, event_ids: Sequence[str]) -> list[tuple[Event, str, str]]:
    """The project's events among the ids, each with its event type's name and colour, in no particular order."""
    found: list[tuple[Event, str, str]] = []
    # Bound parameters of one statement are limited on both engines.
    for start in range(0, len(event_ids), 5000):
        statement = (
            sa.select(Event, col(EventType.name), col(EventType.color))
            .join(EventType, col(EventType.id) == col(Event.event_type_id))
            .where(col(Event.project_id) == project_id, col(Event.id).in_(event_ids[start : start + 5000]))
        )
        found += [(row[0], row[1], row[2]) for row in session.execute(statement)]
    return found


def count_events(session: Session, branch_id: str, *, seen_since: datetime | None = None) -> int:
    """Events of the branch; with `seen_since` only those seen at or after it."""
    statement = sa.select(sa.func.count()).select_from(Event).where(col(Event.branch_id) == branch_id)
    if seen_since is not None:
        statement = statement.where(col(Event.last_seen_at) >= seen_since)
    count: int = session.execute(statement).scalar_one()
    return count
