"""Quotas, answers kept under idempotency keys, and counts by key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from app.kernel.database import insert_into
from models.identity import IngestKey, QuotaUsage, Tenant
from models.ingest import IngestKeyHour, IngestRequest


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


def used_quota(session: Session, tenant_id: str, resource: str, window_start: datetime) -> int:
    """What is booked of the window, blocks that processes took ahead included."""
    row = session.get(QuotaUsage, (tenant_id, resource, window_start))
    return 0 if row is None else row.used


def return_quota(session: Session, tenant_id: str, resource: str, window_start: datetime, amount: int) -> None:
    """Give back what was taken and not used."""
    usage = QuotaUsage.__table__.c  # type: ignore[attr-defined]
    session.exec(
        sa.update(QuotaUsage)
        .where(usage.tenant_id == tenant_id, usage.resource == resource, usage.window_start == window_start)
        .values(used=sa.case((usage.used > amount, usage.used - amount), else_=0))
    )


def claim_request(session: Session, project_id: str, key: str, body_digest: str, now: datetime) -> bool:
    """Take the key unless somebody has it; one statement, so that only one of two requests at a time gets it."""
    table = IngestRequest.__table__  # type: ignore[attr-defined]
    statement = (
        insert_into(session, table)
        .values(project_id=project_id, key=key, body_digest=body_digest, claimed_at=now)
        .on_conflict_do_nothing(index_elements=["project_id", "key"])
        .returning(table.c.key)
    )
    return session.execute(statement).first() is not None


def find_request(session: Session, project_id: str, key: str) -> IngestRequest | None:
    """What is known of the request with the key, held until the end of the transaction."""
    return session.get(IngestRequest, (project_id, key), with_for_update=True)


def store_answer(session: Session, project_id: str, key: str, answer: str) -> None:
    """Keep the answer under the key, when it is still claimed."""
    row = session.get(IngestRequest, (project_id, key))
    if row is not None:
        row.answer = answer


def delete_request(session: Session, project_id: str, key: str) -> None:
    """Forget the key unless it has an answer."""
    table = IngestRequest.__table__.c  # type: ignore[attr-defined]
    session.execute(sa.delete(IngestRequest).where(table.project_id == project_id, table.key == key, table.answer.is_(None)))


def delete_requests_before(session: Session, moment: datetime) -> None:
    """Forget keys that were claimed before the moment."""
    session.execute(sa.delete(IngestRequest).where(IngestRequest.__table__.c.claimed_at < moment))  # type: ignore[attr-defined]


def add_key_hour(session: Session, key_id: str, hour: datetime, amounts: Mapping[str, int]) -> None:
    """Add to what came with the key in the hour, by column; nothing for a key that is gone."""
    if session.get(IngestKey, key_id) is None:
        return
    table = IngestKeyHour.__table__  # type: ignore[attr-defined]
    statement = insert_into(session, table).values(key_id=key_id, hour=hour, **amounts)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["key_id", "hour"], set_={name: table.c[name] + amount for name, amount in amounts.items()}
        )
    )


def tenant_requests(session: Session, tenant_id: str, since: datetime) -> int:
    """Requests with keys of the tenant in whole hours since the moment."""
    hours = IngestKeyHour.__table__.c  # type: ignore[attr-defined]
    keys = IngestKey.__table__.c  # type: ignore[attr-defined]
    statement = (
        sa.select(sa.func.coalesce(sa.func.sum(hours.requests), 0))
        .select_from(IngestKeyHour)
        .join(IngestKey, keys.id == hours.key_id)
        .where(keys.tenant_id == tenant_id, hours.hour >= since)
    )
    return int(session.execute(statement).scalar_one())


def key_hours(session: Session, project_id: str, since: datetime) -> list[IngestKeyHour]:
    """Hours of the project's keys since the moment, oldest first."""
    hours = IngestKeyHour.__table__.c  # type: ignore[attr-defined]
    keys = IngestKey.__table__.c  # type: ignore[attr-defined]
    statement = (
        sa.select(IngestKeyHour)
        .join(IngestKey, keys.id == hours.key_id)
        .where(keys.project_id == project_id, hours.hour >= since)
        .order_by(hours.hour)
    )
    return list(session.execute(statement).scalars())


def delete_key_hours_before(session: Session, moment: datetime) -> None:
    """Forget hours before the moment."""
    session.execute(sa.delete(IngestKeyHour).where(IngestKeyHour.__table__.c.hour < moment))  # type: ignore[attr-defined]


def _booking(session: Session, tenant_id: str, resource: str, window_start: datetime, amount: int, limit: int | None) -> Any:
    usage = QuotaUsage.__table__  # type: ignore[attr-defined]
    total = usage.c.used + amount
    return (
        insert_into(session, usage)
        .values(tenant_id=tenant_id, resource=resource, window_start=window_start, used=amount)
        .on_conflict_do_update(
            index_elements=["tenant_id", "resource", "window_start"],
            set_={"used": total},
            where=None if limit is None else total <= limit,
        )
        .returning(usage.c.used)
    )
