"""Queries on who works on which correlation group."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session, col

from models.alerting_people import AlertAssignment
from models.identity import User

_VALUES_PER_STATEMENT = 500


def of_groups(session: Session, project_id: str, group_ids: Collection[str]) -> dict[str, AlertAssignment]:
    """Assignments of the groups; those that are nobody's are left out."""
    found: dict[str, AlertAssignment] = {}
    ids = list(group_ids)
    for start in range(0, len(ids), _VALUES_PER_STATEMENT):
        statement = sa.select(AlertAssignment).where(
            col(AlertAssignment.project_id) == project_id,
            col(AlertAssignment.correlation_group_id).in_(ids[start : start + _VALUES_PER_STATEMENT]),
        )
        found |= {row.correlation_group_id: row for row in session.execute(statement).scalars()}
    return found


def find(session: Session, project_id: str, group_id: str) -> AlertAssignment | None:
    """The group's assignment as it is now."""
    return session.get(AlertAssignment, (project_id, group_id), populate_existing=True)


def member_name(session: Session, user_id: str) -> str | None:
    """The member's name; None when there is no such member."""
    user = session.get(User, user_id)
    return None if user is None else user.name or user.email
