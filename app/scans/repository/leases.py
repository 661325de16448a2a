"""Every query on leases: which process does what, and which are alive."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.scans.repository.rows import affected_count, insert_if_absent
from models.scans import JobLease


def acquire_lease(session: Session, name: str, holder: str, now: datetime, expires_at: datetime) -> bool:
    """Take, renew, or take over an expired lease; of several holders exactly one gets True."""
    statement = (
        sa.update(JobLease)
        .where(col(JobLease.name) == name, sa.or_(col(JobLease.holder) == holder, col(JobLease.expires_at) <= now))
        .values(holder=holder, expires_at=expires_at)
    )
    if affected_count(session, statement) == 1:
        return True
    return insert_if_absent(session, JobLease, {"name": name, "holder": holder, "expires_at": expires_at})


def release_all_leases(session: Session, holder: str) -> None:
    """Free every lease the holder has."""
    session.execute(sa.delete(JobLease).where(col(JobLease.holder) == holder))


def live_holders(session: Session, prefix: str, now: datetime) -> set[str]:
    """Holders of unexpired leases whose name starts with the prefix."""
    statement = sa.select(col(JobLease.holder)).where(
        col(JobLease.name).startswith(prefix, autoescape=True), col(JobLease.expires_at) > now
    )
    return set(session.execute(statement).scalars())


def delete_expired_leases(session: Session, prefix: str, before: datetime) -> int:
    """Remove leases that nobody renewed since; returns how many."""
    return affected_count(
        session,
        sa.delete(JobLease).where(col(JobLease.name).startswith(prefix, autoescape=True), col(JobLease.expires_at) < before),
    )
