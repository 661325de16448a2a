"""Queries on destinations and rules. A rule's project is its destination's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from models.alerting import AlertDestination, AlertRule, AlertRuleState
from models.plan import Event, EventType

_VALUES_PER_STATEMENT = 500


def list_destinations(session: Session, project_id: str) -> list[AlertDestination]:
    """The project's destinations, newest first."""
    statement = (
        sa.select(AlertDestination)
        .where(col(AlertDestination.project_id) == project_id)
        .order_by(col(AlertDestination.created_at).desc(), col(AlertDestination.id).desc())
    )
    return list(session.execute(statement).scalars())


def find_destination(session: Session, project_id: str, destination_id: str, *, lock: bool = False) -> AlertDestination | None:
    """One of the project's destinations."""
    statement = sa.select(AlertDestination).where(
        col(AlertDestination.project_id) == project_id, col(AlertDestination.id) == destination_id
    )
    return session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()


def rules_of(session: Session, destination_ids: Collection[str]) -> list[AlertRule]:
    """Rules of the destinations, newest first."""
    statement = (
        sa.select(AlertRule)
        .where(col(AlertRule.destination_id).in_(destination_ids))
        .order_by(col(AlertRule.created_at).desc(), col(AlertRule.id).desc())
    )
    return list(session.execute(statement).scalars())


def rules_with_destinations(session: Session, project_id: str) -> list[tuple[AlertRule, AlertDestination]]:
    """The project's rules by destination name, then rule name."""
    statement = (
        sa.select(AlertRule, AlertDestination)
        .join(AlertDestination, col(AlertDestination.id) == col(AlertRule.destination_id))
        .where(col(AlertDestination.project_id) == project_id)
        .order_by(col(AlertDestination.name), col(AlertRule.name), col(AlertRule.id))
    )
    return [(rule, destination) for rule, destination in session.execute(statement)]


def find_rule(
    session: Session, project_id: str, rule_id: str, destination_id: str | None = None, *, lock: bool = False
) -> tuple[AlertRule, AlertDestination] | None:
    """One of the project's rules with its destination; of that destination when one is named."""
    statement = (
        sa.select(AlertRule, AlertDestination)
        .join(AlertDestination, col(AlertDestination.id) == col(AlertRule.destination_id))
        .where(col(AlertDestination.project_id) == project_id, col(AlertRule.id) == rule_id)
    )
    if destination_id is not None:
        statement = statement.where(col(AlertRule.destination_id) == destination_id)
    if lock:
        statement = statement.with_for_update()
    found = session.execute(statement).first()
    return None if found is None else (found[0], found[1])


def save(session: Session, row: SQLModel) -> None:
    """Write the row now."""
    session.add(row)
    session.flush()


def delete(session: Session, row: SQLModel) -> None:
    """Delete the row now, with everything that belongs to it."""
    session.delete(row)
    session.flush()


def note_test(session: Session, destination_id: str, at: datetime, is_success: bool, message: str) -> None:
    """Keep how the last test ended; the destination itself does not count as changed."""
    session.execute(
        sa.update(AlertDestination)
        .where(col(AlertDestination.id) == destination_id)
        .values(
            last_test_at=at,
            last_test_status="success" if is_success else "failed",
            last_test_message=message,
            updated_at=col(AlertDestination.updated_at),
        ),
        execution_options={"synchronize_session": "fetch"},
    )


def clear_states(session: Session, rule_ids: Collection[str]) -> None:
    """Forget what the rules remember."""
    session.execute(
        sa.delete(AlertRuleState).where(col(AlertRuleState.rule_id).in_(rule_ids)),
        execution_options={"synchronize_session": False},
    )


def known_ids(session: Session, project_id: str, table: type[Event] | type[EventType], ids: Sequence[str]) -> set[str]:
    """Those of the ids that are events or event types of the project."""
    found: set[str] = set()
    for start in range(0, len(ids), _VALUES_PER_STATEMENT):
        statement = sa.select(col(table.id)).where(
            col(table.project_id) == project_id, col(table.id).in_(ids[start : start + _VALUES_PER_STATEMENT])
        )
        found |= set(session.execute(statement).scalars())
    return found


def set_muted_until(rule: AlertRule, until: datetime | None) -> None:
    """Silence the rule until that instant, or not any more."""
    rule.muted_until = until
