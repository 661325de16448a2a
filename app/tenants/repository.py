"""Queries on tenants and what they used."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, col

from app.identity.contracts import DEFAULT_TENANT_ID
from models.identity import QuotaUsage, Tenant
from models.projects import Project


def find(session: Session, tenant_id: str, *, lock: bool = False) -> Tenant | None:
    """The tenant."""
    statement = sa.select(Tenant).where(col(Tenant.id) == tenant_id)
    return session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()


def with_domain(session: Session, domain: str) -> Tenant | None:
    """The tenant of the domain."""
    return session.execute(sa.select(Tenant).where(col(Tenant.domain) == domain)).scalar_one_or_none()


def page(session: Session, limit: int, offset: int) -> tuple[list[Tenant], int]:
    """Tenants, newest first, and how many there are; the instance's own one is none of them."""
    mine = col(Tenant.id) != DEFAULT_TENANT_ID
    newest = sa.select(Tenant).where(mine).order_by(col(Tenant.created_at).desc(), col(Tenant.id)).limit(limit).offset(offset)
    total = session.execute(sa.select(sa.func.count()).select_from(Tenant).where(mine)).scalar_one()
    return list(session.scalars(newest)), int(total)


def project_slugs(session: Session, tenant_id: str) -> list[str]:
    """Projects that belong to the tenant; those that only Plumbline works with have a colon in their slug."""
    statement = sa.select(col(Project.slug)).where(col(Project.tenant_id) == tenant_id, ~col(Project.slug).contains(":"))
    return list(session.scalars(statement))


def save(session: Session, tenant: Tenant) -> None:
    """Write the tenant now, so that its constraints speak here."""
    session.add(tenant)
    session.flush()


def delete(session: Session, tenant: Tenant) -> None:
    """Remove the tenant."""
    session.execute(sa.delete(QuotaUsage).where(col(QuotaUsage.tenant_id) == tenant.id))
    session.delete(tenant)
    session.flush()
