"""Saved views of one person in one project."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from models.saved_views import SavedView


def of_person(session: Session, project_id: str, user_id: str) -> Sequence[SavedView]:
    """The person's views, by name."""
    query = select(SavedView).where(SavedView.project_id == project_id, SavedView.user_id == user_id)
    return session.exec(query.order_by(col(SavedView.name))).all()


def named(session: Session, project_id: str, user_id: str, name: str) -> SavedView | None:
    """The person's view of this name."""
    return session.exec(
        select(SavedView).where(SavedView.project_id == project_id, SavedView.user_id == user_id, SavedView.name == name)
    ).first()


def find(session: Session, project_id: str, user_id: str, view_id: str) -> SavedView | None:
    """The person's view of this id."""
    return session.exec(
        select(SavedView).where(SavedView.project_id == project_id, SavedView.user_id == user_id, SavedView.id == view_id)
    ).first()
