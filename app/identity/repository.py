"""Every query on users, sessions, keys, tenants and rate buckets. Nothing here decides."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.identity.contracts import DEFAULT_TENANT_ID, UserRole
from app.kernel.database import insert_into
from models.identity import ApiKey, AuditEntry, IngestKey, Invitation, RateBucket, Tenant, User, UserSession
from models.projects import Project


def lock_membership(session: Session) -> None:
    """Let one change of who owns what happen at a time. SQLite's write transactions exclude each other already."""
    session.execute(sa.select(col(Tenant.id)).where(col(Tenant.id) == DEFAULT_TENANT_ID).with_for_update())


def user_by_email(session: Session, email: str) -> User | None:
    """The account with exactly this stored spelling."""
    return session.execute(sa.select(User).where(col(User.email) == email)).scalar_one_or_none()


def user_by_id(session: Session, user_id: str) -> User | None:
    """The account."""
    return session.get(User, user_id)


def list_users(session: Session, limit: int, offset: int) -> list[User]:
    """Accounts, oldest first."""
    statement = sa.select(User).order_by(col(User.created_at), col(User.id)).limit(limit).offset(offset)
    return list(session.execute(statement).scalars())


def count_owners(session: Session) -> int:
    """How many owners there are."""
    statement = sa.select(sa.func.count()).select_from(User).where(col(User.role) == UserRole.OWNER)
    return int(session.execute(statement).scalar_one())


def oldest_owner(session: Session) -> User | None:
    """The owner who signed up first."""
    statement = sa.select(User).where(col(User.role) == UserRole.OWNER).order_by(col(User.created_at), col(User.id)).limit(1)
    return session.execute(statement).scalar_one_or_none()


def hand_over_keys(session: Session, from_user_id: str, to_user_id: str) -> None:
    """Make all API keys of one account those of another."""
    session.execute(sa.update(ApiKey).where(col(ApiKey.user_id) == from_user_id).values(user_id=to_user_id))


def session_with_user(session: Session, token_hash: str) -> tuple[UserSession, User] | None:
    """The sign-in with this hash and its user."""
    statement = (
        sa.select(UserSession, User)
        .join(User, col(User.id) == col(UserSession.user_id))
        .where(col(UserSession.token_hash) == token_hash)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def delete_session(session: Session, token_hash: str) -> None:
    """Remove one sign-in."""
    session.execute(sa.delete(UserSession).where(col(UserSession.token_hash) == token_hash))


def sessions_of(session: Session, user_id: str, now: datetime) -> list[UserSession]:
    """A user's sign-ins that are not over, the one used last first."""
    statement = sa.select(UserSession).where(col(UserSession.user_id) == user_id, col(UserSession.expires_at) > now)
    used = sa.func.coalesce(col(UserSession.last_used_at), col(UserSession.created_at))
    return list(session.execute(statement.order_by(used.desc(), col(UserSession.id).desc())).scalars())


def delete_own_session(session: Session, user_id: str, session_id: str) -> bool:
    """Remove one of the user's sign-ins; whether there was one."""
    statement = sa.delete(UserSession).where(col(UserSession.id) == session_id, col(UserSession.user_id) == user_id)
    return session.execute(statement.returning(col(UserSession.id))).first() is not None


def delete_other_sessions(session: Session, user_id: str, kept_id: str) -> int:
    """Remove all sign-ins of the user but one; how many went."""
    statement = sa.delete(UserSession).where(col(UserSession.user_id) == user_id, col(UserSession.id) != kept_id)
    return len(session.execute(statement.returning(col(UserSession.id))).all())


def delete_sessions_of(session: Session, user_id: str, *, expired_before: datetime | None = None) -> None:
    """Remove a user's sign-ins; with `expired_before` only those that ended by then."""
    statement = sa.delete(UserSession).where(col(UserSession.user_id) == user_id)
    if expired_before is not None:
        statement = statement.where(col(UserSession.expires_at) <= expired_before)
    session.execute(statement)


def delete_expired_sessions(session: Session, now: datetime) -> None:
    """Remove every sign-in that is over."""
    session.execute(sa.delete(UserSession).where(col(UserSession.expires_at) <= now))


def open_invitations(session: Session, now: datetime) -> list[tuple[Invitation, str]]:
    """Invitations that wait for an answer with the email of who made each, newest first."""
    statement = (
        sa.select(Invitation, col(User.email))
        .join(User, col(User.id) == col(Invitation.invited_by))
        .where(col(Invitation.expires_at) > now)
        .order_by(col(Invitation.created_at).desc(), col(Invitation.id).desc())
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def invitation_by_token(session: Session, token_hash: str, *, lock: bool = False) -> Invitation | None:
    """The invitation with this hash."""
    statement = sa.select(Invitation).where(col(Invitation.token_hash) == token_hash)
    return session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()


def delete_invitations(session: Session, *, invitation_id: str | None = None, email: str | None = None) -> int:
    """Remove the invitation with this id, or those to this address; how many went."""
    statement = sa.delete(Invitation).where(
        col(Invitation.id) == invitation_id if invitation_id is not None else col(Invitation.email) == (email or "")
    )
    return len(session.execute(statement.returning(col(Invitation.id))).all())


def api_key_with_user(session: Session, token_hash: str) -> tuple[ApiKey, User] | None:
    """The API key with this hash and the user it acts for."""
    statement = sa.select(ApiKey, User).join(User, col(User.id) == col(ApiKey.user_id)).where(col(ApiKey.token_hash) == token_hash)
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def api_keys_of(session: Session, user_id: str) -> list[ApiKey]:
    """A user's keys, newest first, revoked ones included."""
    statement = sa.select(ApiKey).where(col(ApiKey.user_id) == user_id)
    return list(session.execute(statement.order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc())).scalars())


def api_key_of(session: Session, user_id: str, key_id: str) -> ApiKey | None:
    """One of the user's own keys."""
    statement = sa.select(ApiKey).where(col(ApiKey.id) == key_id, col(ApiKey.user_id) == user_id)
    return session.execute(statement).scalar_one_or_none()


def project_by_slug(session: Session, slug: str) -> tuple[str, str] | None:
    """(id, tenant id) of the project."""
    if "\x00" in slug:  # PostgreSQL refuses to look for it
        return None
    row = session.execute(sa.select(col(Project.id), col(Project.tenant_id)).where(col(Project.slug) == slug)).one_or_none()
    return None if row is None else (row[0], row[1])


def ingest_key_with_tenant(session: Session, token_hash: str) -> tuple[IngestKey, Tenant] | None:
    """The ingest key with this hash and its tenant."""
    statement = (
        sa.select(IngestKey, Tenant)
        .join(Tenant, col(Tenant.id) == col(IngestKey.tenant_id))
        .where(col(IngestKey.token_hash) == token_hash)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def ingest_keys_of(session: Session, project_id: str) -> list[IngestKey]:
    """A project's ingest keys, newest first, revoked ones included."""
    statement = sa.select(IngestKey).where(col(IngestKey.project_id) == project_id)
    return list(session.execute(statement.order_by(col(IngestKey.created_at).desc(), col(IngestKey.id).desc())).scalars())


def ingest_key_of(session: Session, project_id: str, key_id: str) -> IngestKey | None:
    """One of the project's ingest keys."""
    statement = sa.select(IngestKey).where(col(IngestKey.id) == key_id, col(IngestKey.project_id) == project_id)
    return session.execute(statement).scalar_one_or_none()


def tenant_by_id(session: Session, tenant_id: str) -> Tenant | None:
    """The tenant."""
    return session.get(Tenant, tenant_id)


def locked_bucket(session: Session, key: str, *, full: float, now: datetime) -> tuple[RateBucket, bool]:
    """The rate bucket, held until the transaction ends, and whether it was made just now."""
    values = {"key": key, "tokens": full, "updated_at": now}
    statement = insert_into(session, RateBucket).values(values)
    made = session.execute(statement.on_conflict_do_nothing().returning(col(RateBucket.key))).first() is not None
    bucket = session.execute(sa.select(RateBucket).where(col(RateBucket.key) == key).with_for_update()).scalar_one()
    return bucket, made


def delete_idle_buckets(session: Session, before: datetime) -> None:
    """Forget clients that have not been seen since."""
    session.execute(sa.delete(RateBucket).where(col(RateBucket.updated_at) < before))


def fill_bucket(session: Session, key: str, *, full: float) -> None:
    """Give a client all its turns back. The row stays: somebody else may be waiting for it."""
    session.execute(sa.update(RateBucket).where(col(RateBucket.key) == key).values(tokens=full))


def note_key_use(
    connection: sa.Connection,
    table: type[ApiKey] | type[IngestKey] | type[UserSession],
    key_id: str,
    now: datetime,
    stale: datetime,
) -> None:
    """Set `last_used_at` unless it is newer than `stale`."""
    columns = cast(sa.Table, table.__table__)  # type: ignore[union-attr]
    is_stale = sa.or_(columns.c.last_used_at.is_(None), columns.c.last_used_at <= stale)
    connection.execute(sa.update(columns).where(columns.c.id == key_id, is_stale).values(last_used_at=now))


def add(session: Session, row: SQLModel) -> None:
    """Insert the row now, so that its constraints speak here."""
    session.add(row)
    session.flush()


def add_audit(session: Session, entry: AuditEntry) -> None:
    """Append to the audit log."""
    session.add(entry)
