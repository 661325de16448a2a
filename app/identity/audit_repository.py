"""Reads of the audit trail."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.identity.contracts import AuditFilter
from models.identity import AuditEntry, IngestKey
from models.projects import Project

READ_SUFFIX = ".read"
_ESCAPE = "\\"


def entries(session: Session, wanted: AuditFilter, limit: int, offset: int) -> list[tuple[AuditEntry, str | None]]:
    """Entries with the id of their project, newest first."""
    statement = (
        sa.select(AuditEntry, col(Project.id))
        .outerjoin(Project, col(Project.slug) == col(AuditEntry.project_slug))
        .where(*_conditions(wanted))
        .order_by(col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc())
        .limit(limit)
        .offset(offset)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def count(session: Session, wanted: AuditFilter) -> int:
    """How many entries there are."""
    statement = sa.select(sa.func.count()).select_from(AuditEntry).where(*_conditions(wanted))
    return int(session.execute(statement).scalar_one())


def entry(session: Session, entry_id: str) -> tuple[AuditEntry, str | None] | None:
    """One entry with the id of its project."""
    statement = (
        sa.select(AuditEntry, col(Project.id))
        .outerjoin(Project, col(Project.slug) == col(AuditEntry.project_slug))
        .where(col(AuditEntry.id) == entry_id)
    )
    found = session.execute(statement).first()
    return None if found is None else (found[0], found[1])


def actions(session: Session) -> list[str]:
    """Every action there is an entry of, by name."""
    return list(session.scalars(sa.select(col(AuditEntry.action)).distinct().order_by(col(AuditEntry.action))))


def names_of_key(session: Session, project_id: str, key_id: str) -> tuple[str | None, str]:
    """Slug of the project and name of the ingest key; the id stands in for a name."""
    slug = session.scalar(sa.select(col(Project.slug)).where(col(Project.id) == project_id))
    name = session.scalar(sa.select(col(IngestKey.name)).where(col(IngestKey.id) == key_id))
    return slug, name or key_id


def _conditions(wanted: AuditFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.project_slug is not None:
        found.append(sa.func.coalesce(col(AuditEntry.project_slug), "") == wanted.project_slug)
    if wanted.action is not None:
        found.append(col(AuditEntry.action) == wanted.action)
    elif not wanted.has_reads:
        found.append(sa.not_(col(AuditEntry.action).like(f"%{READ_SUFFIX}")))
    if wanted.user_id is not None:
        found.append(col(AuditEntry.actor_user_id) == wanted.user_id)
    if wanted.user_email:
        text = wanted.user_email.lower()
        for special in (_ESCAPE, "%", "_"):
            text = text.replace(special, _ESCAPE + special)
        found.append(sa.func.lower(col(AuditEntry.actor_email)).like(f"%{text}%", escape=_ESCAPE))
    if wanted.since is not None:
        found.append(col(AuditEntry.created_at) >= wanted.since)
    if wanted.until is not None:
        found.append(col(AuditEntry.created_at) < wanted.until)
    return found
