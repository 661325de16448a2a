"""Every statement of erasures: their rows, what is somebody's in the event store, and what quotes it in the database."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.erasure.identities import forms_of, is_identity, redacted, without_ids
from models.alerting import AlertDelivery, AlertDeliveryItem
from models.anomalies import StreamAnomaly
from models.erasure import Erasure
from models.metrics import MetricBreakdown, MetricDistribution
from models.plan import EventType
from models.plan_drifts import SchemaDrift
from models.plan_entities import Variable, VariableContext
from models.scans import ScanConfig, ScanLook
from models.security import SecurityActorScore, SecurityAlert, SecurityIncidentEvent

_UNTIL: Final = "received_at <= fromUnixTimestamp64Milli({{until:Int64}}, 'UTC')"


def _names(column: str) -> str:
    # The plain search is several times faster than the expression and rules out nearly every row.
    return f"(multiSearchAny({column}, {{{{forms:Array(String)}}}}) AND match({column}, {{{{pattern:String}}}}))"


_OF_PERSON: Final = f"{_UNTIL} AND (has({{{{ids:Array(String)}}}}, actor_id) OR {_names('properties')} OR {_names('body')})"
EVENTS: Final = f"kind != 'audit' AND {_OF_PERSON}"
EVENTS_OF_KIND: Final = f"kind = {{{{kind:String}}}} AND {_OF_PERSON}"
QUARANTINE: Final = f"{_UNTIL} AND ({_names('raw')} OR {_names('reason')})"


def within(condition: str, table: str, month: int) -> str:
    """The condition within one month of the table, so that no question takes long."""
    column = "received_at" if table == "quarantine" else "time"
    return f"toYYYYMM({column}) = {int(month)} AND {condition}"


_LIVE: Final = ("pending", "running")
# Where the database quotes records: a table, how its rows belong to a project, and the JSON columns.
_QUOTING: Final[Sequence[tuple[type[Any], tuple[str, ...]]]] = (
    (StreamAnomaly, ("details", "evidence", "timeline", "indicators")),
    (SecurityAlert, ("details",)),
    (ScanLook, ("result_summary",)),
)


def erasure(session: Session, project_id: str, erasure_id: str) -> Erasure | None:
    """One erasure of the project."""
    return session.scalars(
        sa.select(Erasure).where(col(Erasure.id) == erasure_id, col(Erasure.project_id) == project_id)
    ).one_or_none()


def erasures(session: Session, project_id: str, limit: int, offset: int) -> tuple[list[Erasure], int]:
    """Erasures of the project, newest first, and how many there are."""
    of_project = col(Erasure.project_id) == project_id
    total = session.scalar(sa.select(sa.func.count()).select_from(Erasure).where(of_project)) or 0
    statement = sa.select(Erasure).where(of_project).order_by(col(Erasure.created_at).desc(), col(Erasure.id).desc())
    return list(session.scalars(statement.limit(limit).offset(offset))), int(total)


def live_erasure(session: Session, project_id: str, user_hash: str) -> Erasure | None:
    """The erasure of the same person that is under way."""
    return session.scalars(
        sa.select(Erasure).where(
            col(Erasure.project_id) == project_id, col(Erasure.user_hash) == user_hash, col(Erasure.status).in_(_LIVE)
        )
    ).first()


def has_waiting(session: Session, now: datetime) -> bool:
    """Whether an erasure waits for a worker; reads only."""
    return session.scalar(_waiting(now).limit(1)) is not None


def claim(session: Session, holder: str, now: datetime, until: datetime) -> str | None:
    """Take the erasure that has waited longest; its id."""
    statement = _waiting(now).order_by(col(Erasure.requested_at)).limit(1).with_for_update(skip_locked=True)
    row: Erasure | None = session.scalars(statement).first()
    if row is None:
        return None
    row.status, row.claimed_by, row.claimed_until = "running", holder, until
    session.add(row)
    session.flush()
    return row.id


def claimed(session: Session, erasure_id: str, holder: str) -> Erasure | None:
    """The erasure while it belongs to the holder."""
    statement = sa.select(Erasure).where(col(Erasure.id) == erasure_id, col(Erasure.claimed_by) == holder)
    return session.scalars(statement.with_for_update()).one_or_none()


def save(session: Session, row: Erasure) -> None:
    """Write the row now."""
    session.add(row)
    session.flush()


def _waiting(now: datetime) -> sa.Select[Any]:
    return sa.select(Erasure).where(
        col(Erasure.status).in_(_LIVE),
        sa.or_(col(Erasure.next_attempt_at).is_(None), col(Erasure.next_attempt_at) <= now),
        sa.or_(col(Erasure.claimed_until).is_(None), col(Erasure.claimed_until) < now),
    )


def scores(session: Session, project_id: str, ids: Collection[str], *, is_removed: bool) -> int:
    """Scores of the actor."""
    where = (col(SecurityActorScore.project_id) == project_id, col(SecurityActorScore.actor_id).in_(list(ids)))
    return _rows(session, SecurityActorScore, where, is_removed=is_removed)


def alerts(session: Session, project_id: str, ids: Collection[str], *, is_removed: bool) -> int:
    """Security alerts about the actor, with what counted into them."""
    where = (col(SecurityAlert.project_id) == project_id, col(SecurityAlert.actor_id).in_(list(ids)))
    if is_removed:
        found = sa.select(col(SecurityAlert.id)).where(*where)
        session.execute(
            sa.delete(SecurityIncidentEvent).where(
                col(SecurityIncidentEvent.project_id) == project_id, col(SecurityIncidentEvent.alert_id).in_(found)
            )
        )
    return _rows(session, SecurityAlert, where, is_removed=is_removed)


def counts(session: Session, project_id: str, ids: Collection[str], *, is_removed: bool) -> int:
    """Counts that are kept under the person's id, where a breakdown or a watched field names people."""
    scans = sa.select(col(ScanConfig.id)).where(col(ScanConfig.project_id) == project_id)
    found = 0
    tables: Sequence[tuple[type[Any], Any, Any]] = (
        (MetricBreakdown, col(MetricBreakdown.breakdown_column), col(MetricBreakdown.breakdown_value)),
        (MetricDistribution, col(MetricDistribution.field_name), col(MetricDistribution.value)),
    )
    for table, column, value in tables:
        of_person = (col(table.scan_config_id).in_(scans), value.in_(list(ids)))
        names = [name for name in session.scalars(sa.select(column).where(*of_person).distinct()) if is_identity(name)]
        if names:
            found += _rows(session, table, (*of_person, column.in_(names)), is_removed=is_removed)
    return found


def samples(session: Session, project_id: str, ids: Collection[str], pattern: re.Pattern[str], *, is_removed: bool) -> int:
    """Rows that quote the person: evidence of anomalies, previews, sample values of drifts, variables and deliveries. What is
    blotted out is the id; the rows stay."""
    found = 0
    for row, changes in _quotes(session, project_id, ids, pattern):
        found += 1
        if is_removed:
            for name, value in changes.items():
                setattr(row, name, value)
            session.add(row)
    if is_removed:
        session.flush()
    return found


def _quotes(
    session: Session, project_id: str, ids: Collection[str], pattern: re.Pattern[str]
) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    for table, columns in _QUOTING:
        named = sa.or_(*[_mentions(getattr(table, name), ids) for name in columns])
        # An alert about the person goes as a whole.
        others = table.actor_id.is_(None) | table.actor_id.not_in(list(ids)) if table is SecurityAlert else sa.true()
        for row in session.scalars(sa.select(table).where(table.project_id == project_id, named, others)):
            changes = {
                name: value for name in columns if (value := redacted(getattr(row, name), ids, pattern)) != getattr(row, name)
            }
            if changes:
                yield row, changes
    types = sa.select(col(EventType.id)).where(col(EventType.project_id) == project_id)
    drifts = sa.select(SchemaDrift).where(col(SchemaDrift.event_type_id).in_(types), col(SchemaDrift.sample_value).in_(list(ids)))
    for drift in session.scalars(drifts):
        yield drift, {"sample_value": None}
    variables = sa.select(col(Variable.id)).where(col(Variable.project_id) == project_id)
    contexts = sa.select(VariableContext).where(
        col(VariableContext.variable_id).in_(variables), _mentions(VariableContext.values, ids)
    )
    for context in session.scalars(contexts):
        kept = [value for value in context.values if value not in ids]
        if kept != context.values:
            yield context, {"values": kept}
    yield from _told(session, project_id, ids)


def _told(session: Session, project_id: str, ids: Collection[str]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Deliveries whose message quotes the id as the sample of a drift."""
    statement = (
        sa.select(AlertDeliveryItem, AlertDelivery)
        .join(AlertDelivery, col(AlertDelivery.id) == col(AlertDeliveryItem.delivery_id))
        .where(col(AlertDelivery.project_id) == project_id, col(AlertDeliveryItem.sample_value).in_(list(ids)))
    )
    for item, delivery in session.execute(statement).all():
        yield item, {"sample_value": None}
        yield delivery, {"payload_snapshot": without_ids(delivery.payload_snapshot, ids)}


def _mentions(column: Any, ids: Iterable[str]) -> sa.ColumnElement[bool]:
    """Rows whose JSON may hold one of the ids, as one encoder or the other writes it."""
    return sa.or_(*[sa.cast(column, sa.Text()).contains(form, autoescape=True) for form in sorted(forms_of(ids))])


def _rows(session: Session, table: type[SQLModel], where: Sequence[Any], *, is_removed: bool) -> int:
    count = int(session.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)
    if count and is_removed:
        session.execute(sa.delete(table).where(*where))
    return count
