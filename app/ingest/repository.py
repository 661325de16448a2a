"""The quota table: every query of this area."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from models.identity import QuotaUsage, Tenant


def take_quota(session: Session, tenant_id: str, resource: str, window_start: datetime, amount: int, limit: int | None) -> bool:
    """Add `amount` to what is used in the window unless that would pass `limit`; one statement, so that processes cannot both
    take the last of it. False when it does not fit; nothing is booked then."""
    if limit is not None and amount > limit:
        return False
    statement = _booking(session, tenant_id, resource, window_start, amount, limit)
    return session.exec(statement).first() is not None


def tenant_plan(session: Session, tenant_id: str) -> str:
    """The plan the tenant is on; empty for an unknown one."""
    tenant = session.get(Tenant, tenant_id)
    return "" if tenant is None else tenant.plan


def return_quota(session: Session, tenant_id: str, resource: str, window_start: datetime, amount: int) -> None:
    """Give back what was taken and not used."""
    usage = QuotaUsage.__table__.c  # type: ignore[attr-defined]
    session.exec(
        sa.update(QuotaUsage)
        .where(usage.tenant_id == tenant_id, usage.resource == resource, usage.window_start == window_start)
        .values(used=sa.case((usage.used > amount, usage.used - amount), else_=0))
    )


def _booking(session: Session, tenant_id: str, resource: str, window_start: datetime, amount: int, limit: int | None) -> Any:
    usage = QuotaUsage.__table__  # type: ignore[attr-defined]
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    total = usage.c.used + amount
    return (
        insert(usage)
        .values(tenant_id=tenant_id, resource=resource, window_start=window_start, used=amount)
        .on_conflict_do_update(
            index_elements=["tenant_id", "resource", "window_start"],
            set_={"used": total},
            where=None if limit is None else total <= limit,
        )
        .returning(usage.c.used)
    )
