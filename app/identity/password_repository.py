"""Every query on links that reset a password. Nothing here decides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.identity.passwords import UNUSABLE
from models.identity import User
from models.password_resets import PasswordReset


def reset_holder(session: Session, token_hash: str, now: datetime) -> str | None:
    """Whose password the link resets."""
    statement = sa.select(col(PasswordReset.user_id)).where(
        col(PasswordReset.token_hash) == token_hash, col(PasswordReset.expires_at) > now
    )
    return session.execute(statement).scalar_one_or_none()


def delete_resets_of(session: Session, user_id: str) -> None:
    """Make every link of the account void."""
    session.execute(sa.delete(PasswordReset).where(col(PasswordReset.user_id) == user_id))


def delete_expired_resets(session: Session, now: datetime) -> None:
    """Remove every link that is over."""
    session.execute(sa.delete(PasswordReset).where(col(PasswordReset.expires_at) <= now))


def password_holders(session: Session) -> frozenset[str]:
    """Ids of everybody who can sign in with a password."""
    return frozenset(session.execute(sa.select(col(User.id)).where(col(User.password_hash) != UNUSABLE)).scalars())
