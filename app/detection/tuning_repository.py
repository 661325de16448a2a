"""Every query on tunings, verdicts and planned events. Callers name the project or the scan; nothing here decides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.detection.detectors import Detector, ScopeRules
from app.kernel.clock import SYSTEM_CLOCK
from app.metrics.contracts import ScopeType, SeriesKey
from models.detection import PlannedEvent, ScopeTuning, SignalVerdict

_FALSE_POSITIVE = "false_positive"
_EXPECTED = "expected"


def rules_of_scan(session: Session, scan_config_id: str) -> dict[SeriesKey, ScopeRules]:
    """What differs from the project for the scan's series; series without anything of their own are not there."""
    false_positives: dict[SeriesKey, int] = {}
    counted = (
        sa.select(col(SignalVerdict.scope_type), col(SignalVerdict.scope_ref), sa.func.count())
        .where(
            col(SignalVerdict.scan_config_id) == scan_config_id,
            col(SignalVerdict.verdict) == _FALSE_POSITIVE,
            col(SignalVerdict.undone_at).is_(None),
        )
        .group_by(col(SignalVerdict.scope_type), col(SignalVerdict.scope_ref))
    )
    for scope_type, ref, count in session.execute(counted):
        false_positives[SeriesKey(scan_config_id, ScopeType(scope_type), ref)] = count
    rules = {key: ScopeRules(false_positive_count=count) for key, count in false_positives.items()}
    for row in session.execute(sa.select(ScopeTuning).where(col(ScopeTuning.scan_config_id) == scan_config_id)).scalars():
        key = SeriesKey(scan_config_id, ScopeType(row.scope_type), row.scope_ref)
        rules[key] = ScopeRules(Detector(row.detector), row.sigma_threshold, row.min_expected_count, false_positives.get(key, 0))
    return rules


def tuning_row(session: Session, key: SeriesKey) -> ScopeTuning | None:
    """The stored tuning of one series."""
    statement = sa.select(ScopeTuning).where(
        col(ScopeTuning.scan_config_id) == key.scan_config_id,
        col(ScopeTuning.scope_type) == key.scope_type.value,
        col(ScopeTuning.scope_ref) == key.ref,
    )
    return session.execute(statement).scalar_one_or_none()


def add(session: Session, row: ScopeTuning | SignalVerdict | PlannedEvent) -> None:
    """Insert now."""
    session.add(row)
    session.flush()


def delete(session: Session, row: ScopeTuning | PlannedEvent) -> None:
    """Remove now."""
    session.delete(row)
    session.flush()


def verdict_row(session: Session, project_id: str, verdict_id: str) -> SignalVerdict | None:
    """The verdict, when it is one of the project's."""
    row = session.get(SignalVerdict, verdict_id)
    return row if row is not None and row.project_id == project_id else None


def standing_verdict(session: Session, key: SeriesKey, direction: str, started_at: datetime) -> SignalVerdict | None:
    """The verdict on an incident that nobody took back."""
    statement = sa.select(SignalVerdict).where(
        col(SignalVerdict.scan_config_id) == key.scan_config_id,
        col(SignalVerdict.scope_type) == key.scope_type.value,
        col(SignalVerdict.scope_ref) == key.ref,
        col(SignalVerdict.direction) == direction,
        col(SignalVerdict.started_at) == started_at,
        col(SignalVerdict.undone_at).is_(None),
    )
    return session.execute(statement.order_by(col(SignalVerdict.created_at).desc()).limit(1)).scalar_one_or_none()


def expected_verdicts(session: Session, project_id: str, since: datetime) -> list[SignalVerdict]:
    """Standing verdicts that an incident which reached `since` or later was expected, oldest first, at most 1000 of the newest."""
    statement = sa.select(SignalVerdict).where(
        col(SignalVerdict.project_id) == project_id,
        col(SignalVerdict.verdict) == _EXPECTED,
        col(SignalVerdict.undone_at).is_(None),
        col(SignalVerdict.ended_at) >= since,
    )
    newest = statement.order_by(col(SignalVerdict.started_at).desc(), col(SignalVerdict.id)).limit(1_000)
    return list(session.execute(newest).scalars())[::-1]


def mark_undone(session: Session, row: SignalVerdict, user_id: str | None) -> None:
    """Note that the verdict was taken back now."""
    row.undone_at, row.undone_by = SYSTEM_CLOCK.now(), user_id
    session.flush()


def verdicts(
    session: Session, project_id: str, *, scope_type: str | None, scope_ref: str | None, limit: int, offset: int
) -> list[SignalVerdict]:
    """The project's verdicts, newest first, undone ones too."""
    statement = sa.select(SignalVerdict).where(col(SignalVerdict.project_id) == project_id)
    if scope_type is not None:
        statement = statement.where(col(SignalVerdict.scope_type) == scope_type)
    if scope_ref is not None:
        statement = statement.where(col(SignalVerdict.scope_ref) == scope_ref)
    statement = statement.order_by(col(SignalVerdict.created_at).desc(), col(SignalVerdict.id).desc())
    return list(session.execute(statement.limit(limit).offset(offset)).scalars())


def planned_row(session: Session, project_id: str, planned_event_id: str) -> PlannedEvent | None:
    """The planned event, when it is one of the project's."""
    row = session.get(PlannedEvent, planned_event_id)
    return row if row is not None and row.project_id == project_id else None


def planned_events(
    session: Session, project_id: str, start: datetime | None = None, stop: datetime | None = None
) -> list[PlannedEvent]:
    """The project's planned events that touch [start, stop), newest start first, at most 500."""
    statement = sa.select(PlannedEvent).where(col(PlannedEvent.project_id) == project_id)
    if start is not None:
        statement = statement.where(col(PlannedEvent.ends_at) > start)
    if stop is not None:
        statement = statement.where(col(PlannedEvent.starts_at) < stop)
    statement = statement.order_by(col(PlannedEvent.starts_at).desc(), col(PlannedEvent.id)).limit(500)
    return list(session.execute(statement).scalars())
