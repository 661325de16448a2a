"""Inviting people: a link that opens an account under a chosen role, also where signing up is closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity import policy, repository
from app.identity.contracts import OPERATOR_EMAIL, Actor, InvitationView, SignedIn, SignInOrigin, UserRole
from app.identity.service.accounts import UNKNOWN_ORIGIN, open_session
from app.identity.service.audit import record_audit
from app.identity.service.callers import actor_for
from app.kernel.crypto import random_token, sha256_hex
from app.kernel.errors import Conflict, NotFound
from models.identity import Invitation, User

LASTS: Final = timedelta(days=7)
_OVER: Final = "This invitation is not valid any more"


def list_invitations(session: Session, actor: Actor, now: datetime) -> list[InvitationView]:
    """Invitations that wait for an answer, newest first. Owners only."""
    actor.require_owner()
    return [_view(row, inviter) for row, inviter in repository.open_invitations(session, now)]


def create_invitation(session: Session, actor: Actor, *, email: str, role: UserRole, now: datetime) -> tuple[InvitationView, str]:
    """Invite somebody for seven days; the token is known only here. An earlier invitation to the address is void.

    Owners only. Errors: Conflict when the address has an account.
    """
    actor.require_owner()
    email = policy.normal_email(email)
    repository.lock_membership(session)
    if email == OPERATOR_EMAIL or repository.user_by_email(session, email) is not None:
        raise Conflict("This address has an account already")
    repository.delete_invitations(session, email=email)
    token = random_token(policy.SESSION_CHARACTERS)
    row = Invitation(
        email=email,
        role=role,
        token_hash=sha256_hex(token),
        invited_by=actor.user_id or "",
        created_at=now,
        expires_at=now + LASTS,
    )
    repository.add(session, row)
    record_audit(session, actor, "invitation.create", "invitation", row.id, payload={"email": email, "role": role.value})
    return _view(row, actor.email), token


def revoke_invitation(session: Session, actor: Actor, invitation_id: str) -> None:
    """Withdraw an invitation. Owners only. Errors: NotFound."""
    actor.require_owner()
    if not repository.delete_invitations(session, invitation_id=invitation_id):
        raise NotFound("Invitation not found")
    record_audit(session, actor, "invitation.revoke", "invitation", invitation_id)


def preview_invitation(session: Session, token: str, now: datetime) -> InvitationView:
    """What the token offers, for anybody who has it. Errors: NotFound for one that is unknown, over or used."""
    row = repository.invitation_by_token(session, sha256_hex(token))
    if row is None or row.expires_at <= now:
        raise NotFound(_OVER)
    return _view(row, "")


def accept_invitation(
    session: Session,
    token: str,
    *,
    password_hash: str,
    name: str | None,
    now: datetime,
    origin: SignInOrigin = UNKNOWN_ORIGIN,
) -> SignedIn:
    """Open the account that was offered and sign it in; the invitation is used up.

    Errors: NotFound as `preview_invitation`, Conflict when the address got an account meanwhile.
    """
    repository.lock_membership(session)
    row = repository.invitation_by_token(session, sha256_hex(token), lock=True)
    if row is None or row.expires_at <= now:
        raise NotFound(_OVER)
    if repository.user_by_email(session, row.email) is not None:
        raise Conflict("Email already registered")
    user = User(email=row.email, name=name, password_hash=password_hash, role=row.role, created_at=now, updated_at=now)
    repository.add(session, user)
    payload: dict[str, object] = {"role": row.role, "invited_by": row.invited_by}
    record_audit(session, actor_for(user), "invitation.accept", "user", user.id, payload=payload)
    repository.delete_invitations(session, invitation_id=row.id)
    return open_session(session, user, now, origin)


def _view(row: Invitation, inviter: str) -> InvitationView:
    return InvitationView(row.id, row.email, UserRole(row.role), inviter, row.created_at, row.expires_at)
