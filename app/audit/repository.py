"""Queries on accounts and links."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.kernel.errors import NotFound
from app.kernel.ids import is_uuid
from models.audit import AuditAccount, AuditLink
from models.identity import RateBucket


def by_id(session: Session, account_id: str) -> AuditAccount | None:
    """The account; None also for what is no id."""
    if not is_uuid(account_id):
        return None
    return session.get(AuditAccount, account_id)


def require_account(session: Session, account_id: str) -> AuditAccount:
    """The account. Errors: NotFound."""
    found = by_id(session, account_id)
    if found is None:
        raise NotFound("There is no such account")
    return found


def usernames(session: Session) -> list[tuple[str, str]]:
    """Id and name of every account, by name."""
    statement = sa.select(col(AuditAccount.id), col(AuditAccount.username)).order_by(col(AuditAccount.username))
    return [(row[0], row[1]) for row in session.execute(statement)]


def by_username(session: Session, username: str) -> AuditAccount | None:
    """The account of exactly this name."""
    return session.execute(sa.select(AuditAccount).where(col(AuditAccount.username) == username)).scalar_one_or_none()


def by_email(session: Session, email: str) -> AuditAccount | None:
    """The account of this address, which is stored in lower case."""
    return session.execute(sa.select(AuditAccount).where(col(AuditAccount.email) == email)).scalar_one_or_none()


def by_access_key(session: Session, key_hash: str) -> AuditAccount | None:
    """The account whose access key has this hash."""
    return session.execute(sa.select(AuditAccount).where(col(AuditAccount.access_key_hash) == key_hash)).scalar_one_or_none()


def open_link(session: Session, key_hash: str, purpose: str, now: datetime) -> AuditLink | None:
    """The link when it is of this purpose, unused and not expired."""
    statement = sa.select(AuditLink).where(
        col(AuditLink.key_hash) == key_hash,
        col(AuditLink.purpose) == purpose,
        col(AuditLink.used_at).is_(None),
        col(AuditLink.expires_at) > now,
    )
    return session.execute(statement).scalar_one_or_none()


def use_link(session: Session, key_hash: str, now: datetime) -> bool:
    """Mark the link as used; False when somebody was faster."""
    statement = (
        sa.update(AuditLink)
        .where(col(AuditLink.key_hash) == key_hash, col(AuditLink.used_at).is_(None))
        .values(used_at=now)
        .returning(col(AuditLink.account_id))
    )
    return session.execute(statement).first() is not None


def delete_links(session: Session, account_id: str, purpose: str) -> None:
    """Make earlier links of this purpose useless."""
    session.execute(sa.delete(AuditLink).where(col(AuditLink.account_id) == account_id, col(AuditLink.purpose) == purpose))


def refill(session: Session, key: str, most: int) -> None:
    """Put one turn back into a rate bucket that holds at most so many."""
    tokens = col(RateBucket.tokens)
    filled = sa.case((tokens > most - 1, float(most)), else_=tokens + 1.0)
    session.execute(sa.update(RateBucket).where(col(RateBucket.key) == key).values(tokens=filled))


def save(session: Session, row: SQLModel) -> None:
    """Write the row now, so that its constraints speak here."""
    session.add(row)
    session.flush()
