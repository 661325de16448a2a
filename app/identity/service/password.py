"""A person's password: changing it, and links that let somebody choose one who does not remember theirs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity import password_repository as repository
from app.identity import policy, second_factor_repository
from app.identity import repository as accounts
from app.identity.contracts import Actor, PasswordResetLink, ResetHolder
from app.identity.passwords import UNUSABLE
from app.identity.service.audit import record_audit
from app.identity.service.callers import actor_for, session_hash
from app.identity.service.second_factor import prove_factor
from app.kernel.crypto import random_token
from app.kernel.errors import BadRequest, Conflict, InvalidInput, NotFound, Unauthorized
from app.kernel.settings import get_settings
from models.identity import User
from models.password_resets import PasswordReset

RESET_LASTS: Final = timedelta(minutes=60)
_OVER: Final = "This link is not valid: it was used, is older than an hour, or the password was changed since"
_ENTERS_ELSEWHERE: Final = "This account has no password: it enters through the sign-in provider"


def change_password(session: Session, actor: Actor, *, old_hash: str, new_hash: str, code: str | None, now: datetime) -> None:
    """Give the caller another password, whose present one, stored as `old_hash`, was just checked. Other sign-ins end.

    Errors: Forbidden for a key, InvalidInput at `current_password` when it changed since the check and at `code` without one
    where the account asks for it, CodeRefused.
    """
    user = second_factor_repository.locked_account(session, actor.user_id or "")
    if user is None:
        raise Unauthorized("Not authenticated")
    if user.password_hash != old_hash:
        raise InvalidInput("The password is wrong", field="current_password")
    prove_factor(session, user, code, now)
    _replace(session, user, new_hash)
    ended = accounts.delete_other_sessions(session, user.id, actor.sign_in_id or "")
    record_audit(session, actor, "user.change_password", "user", user.id, payload={"ended_sessions": ended})


def create_reset_link(session: Session, actor: Actor, user_id: str, now: datetime) -> tuple[PasswordResetLink, str]:
    """A link for somebody else's account, to be handed over by whoever makes it; the token is known only here.

    Owners only, and not for themselves: a stolen session must not be able to. Errors: NotFound, BadRequest, Conflict for an
    account without password and where passwords are switched off.
    """
    actor.require_owner()
    if user_id == actor.user_id:
        raise BadRequest("Change your own password under Sign-in security, or ask another owner")
    user = second_factor_repository.locked_account(session, user_id)
    if user is None:
        raise NotFound("User not found")
    if get_settings().oidc.is_only_way:
        raise Conflict("Passwords are switched off by PLUMBLINE_OIDC_ONLY")
    if user.password_hash == UNUSABLE:
        raise Conflict(_ENTERS_ELSEWHERE)
    return _link(session, actor, user, now, {"email": user.email})


def create_mailed_reset(session: Session, user_id: str, address: str, now: datetime) -> tuple[PasswordResetLink, str] | None:
    """A link that goes to the account's own address, with its token; a client at `address` asked for it.

    None when the account is gone or has no password.
    """
    user = second_factor_repository.locked_account(session, user_id)
    if user is None or user.password_hash == UNUSABLE:
        return None
    payload: dict[str, object] = {"by": "mail", **({"address": address} if address else {})}
    return _link(session, actor_for(user), user, now, payload)


def reset_holder(session: Session, token: str, now: datetime) -> ResetHolder:
    """Whose password the link resets, for anybody who has it. Errors: BadRequest for one that is not valid."""
    user_id = repository.reset_holder(session, session_hash(token), now)
    user = accounts.user_by_id(session, user_id) if user_id else None
    if user is None:
        raise BadRequest(_OVER)
    return ResetHolder(user.email, second_factor_repository.is_confirmed(session, user.id))


def reset_password(session: Session, token: str, new_hash: str, now: datetime, *, address: str = "") -> None:
    """Give the account of the link another password; all its links and sign-ins end, its second factor stays.

    Errors: BadRequest as `reset_holder`, also for the later of two who use one link at once.
    """
    user_id = repository.reset_holder(session, session_hash(token), now)
    user = second_factor_repository.locked_account(session, user_id) if user_id else None
    if user is None or repository.reset_holder(session, session_hash(token), now) is None:
        raise BadRequest(_OVER)
    _replace(session, user, new_hash)
    accounts.delete_sessions_of(session, user.id)
    payload: dict[str, object] = {"address": address} if address else {}
    record_audit(session, actor_for(user), "user.reset_password", "user", user.id, payload=payload)


def password_holders(session: Session, actor: Actor) -> frozenset[str]:
    """Ids of the members who have a password. Owners only."""
    actor.require_owner()
    return repository.password_holders(session)


def _link(session: Session, actor: Actor, user: User, now: datetime, payload: dict[str, object]) -> tuple[PasswordResetLink, str]:
    token = random_token(policy.SESSION_CHARACTERS)
    row = PasswordReset(user_id=user.id, token_hash=session_hash(token), created_at=now, expires_at=now + RESET_LASTS)
    accounts.add(session, row)
    record_audit(session, actor, "user.create_reset_link", "user", user.id, payload=payload)
    return PasswordResetLink(user.email, row.expires_at), token


def _replace(session: Session, user: User, new_hash: str) -> None:
    """The account is held: what the old password began, a link or half a sign-in, must not outlive it."""
    user.password_hash = new_hash
    session.flush()
    repository.delete_resets_of(session, user.id)
    second_factor_repository.delete_tickets_of(session, user.id)
