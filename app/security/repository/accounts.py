"""Monthly quota, key and organisation names and web origins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.kernel.database import insert_into
from app.kernel.ids import new_id
from models.identity import IngestKey, QuotaUsage, Tenant
from models.projects import Project
from models.security import SecurityOrigin

RESOURCE = "security_events"


def used_quota(session: Session, tenant_id: str, month: datetime) -> int:
    """Events booked in the month."""
    found = session.get(QuotaUsage, (tenant_id, RESOURCE, month))
    return found.used if found else 0


def take_quota(session: Session, tenant_id: str, month: datetime, amount: int, limit: int | None) -> int | None:
    """Book all events or none in one statement; what is used then, None when they do not fit."""
    if limit is not None and amount > limit:
        return None
    usage = QuotaUsage.__table__  # type: ignore[attr-defined]
    total = usage.c.used + amount
    statement = (
        insert_into(session, usage)
        .values(tenant_id=tenant_id, resource=RESOURCE, window_start=month, used=amount)
        .on_conflict_do_update(
            index_elements=["tenant_id", "resource", "window_start"],
            set_={"used": total},
            where=None if limit is None else total <= limit,
        )
        .returning(usage.c.used)
    )
    row = session.execute(statement).first()
    return int(row[0]) if row is not None else None


def return_quota(session: Session, tenant_id: str, month: datetime, amount: int) -> None:
    """Give back what was booked for events that were not stored."""
    usage = QuotaUsage.__table__.c  # type: ignore[attr-defined]
    session.execute(
        sa.update(QuotaUsage)
        .where(usage.tenant_id == tenant_id, usage.resource == RESOURCE, usage.window_start == month)
        .values(used=sa.case((usage.used > amount, usage.used - amount), else_=0))
    )


def key_name(session: Session, key_id: str) -> str:
    """What the key is called."""
    return session.exec(select(IngestKey.name).where(IngestKey.id == key_id)).one()


def organisation_name(session: Session, tenant_id: str) -> str:
    """What the tenant is called."""
    return session.exec(select(Tenant.name).where(Tenant.id == tenant_id)).one()


def project_slug(session: Session, project_id: str) -> str:
    """The slug of the project."""
    return session.exec(select(Project.slug).where(Project.id == project_id)).one()


def origins(session: Session, project_id: str) -> Sequence[str]:
    """The authorised web origins, oldest first."""
    query = select(SecurityOrigin.origin).where(SecurityOrigin.project_id == project_id).order_by(col(SecurityOrigin.id))
    return session.exec(query).all()


def set_origins(session: Session, project_id: str, wanted: Sequence[str], now: datetime) -> None:
    """Put these in the place of the authorised web origins."""
    session.execute(sa.delete(SecurityOrigin).where(col(SecurityOrigin.project_id) == project_id))
    # Ids rise in the order given, which is the order in which they are read.
    ids = sorted(new_id() for _ in wanted)
    session.add_all(
        SecurityOrigin(id=one, project_id=project_id, origin=origin, created_at=now)
        for one, origin in zip(ids, wanted, strict=True)
    )
    session.flush()
