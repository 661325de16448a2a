"""Every query on external identities and on sign-ins under way at a provider. Nothing here decides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from models.identity import Invitation, User
from models.single_sign_on import ExternalIdentity, OidcAttempt


def take_attempt(session: Session, state_hash: str, verifier_hash: str) -> OidcAttempt | None:
    """Remove the attempt with this state and verifier; of several at once only one gets it."""
    statement = (
        sa.delete(OidcAttempt)
        .where(col(OidcAttempt.state_hash) == state_hash, col(OidcAttempt.verifier_hash) == verifier_hash)
        .returning(OidcAttempt)
    )
    return session.execute(statement).scalar_one_or_none()


def delete_expired_attempts(session: Session, now: datetime) -> None:
    """Forget browsers that never came back."""
    session.execute(sa.delete(OidcAttempt).where(col(OidcAttempt.expires_at) <= now))


def user_of(session: Session, issuer: str, subject: str) -> User | None:
    """The account this subject enters."""
    statement = (
        sa.select(User)
        .join(ExternalIdentity, col(ExternalIdentity.user_id) == col(User.id))
        .where(col(ExternalIdentity.issuer) == issuer, col(ExternalIdentity.subject) == subject)
    )
    return session.execute(statement).scalar_one_or_none()


def subject_of(session: Session, issuer: str, user_id: str) -> str | None:
    """The provider's subject that enters this account already."""
    statement = sa.select(col(ExternalIdentity.subject)).where(
        col(ExternalIdentity.issuer) == issuer, col(ExternalIdentity.user_id) == user_id
    )
    return session.execute(statement.limit(1)).scalar_one_or_none()


def open_invitation_to(session: Session, email: str, now: datetime) -> Invitation | None:
    """The invitation that waits for this address, held until the transaction ends."""
    statement = sa.select(Invitation).where(col(Invitation.email) == email, col(Invitation.expires_at) > now)
    return session.execute(statement.with_for_update()).scalar_one_or_none()


def delete_identities_of(session: Session, user_id: str) -> int:
    """Forget through which providers the account is entered; how many there were."""
    statement = sa.delete(ExternalIdentity).where(col(ExternalIdentity.user_id) == user_id)
    return len(session.execute(statement.returning(col(ExternalIdentity.id))).all())
