"""Sign-ins in two steps: what a browser holds between its password and its code."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity import policy
from app.identity import repository as accounts
from app.identity import second_factor_repository as repository
from app.identity.contracts import Credential, SignedIn, SignInOrigin
from app.identity.service.accounts import BAD_CREDENTIALS, login
from app.identity.service.callers import session_hash
from app.kernel.crypto import random_token
from app.kernel.errors import Gone, Unauthorized
from models.second_factors import SignInTicket

TICKET_LASTS: Final = timedelta(minutes=5)
_OVER: Final = "This sign-in took too long. Start again."


def issue_ticket(session: Session, credential: Credential, now: datetime) -> str:
    """A ticket for the account whose password was just checked; it opens nothing without a code.

    Unauthorized when the account or its password changed since the check.
    """
    user = repository.locked_account(session, credential.user_id) if credential.user_id else None
    if user is None or user.password_hash != credential.password_hash:
        raise Unauthorized(BAD_CREDENTIALS)
    token = random_token(policy.SESSION_CHARACTERS)
    row = SignInTicket(user_id=user.id, token_hash=session_hash(token), created_at=now, expires_at=now + TICKET_LASTS)
    accounts.add(session, row)
    return token


def ticket_holder(session: Session, ticket: str, now: datetime) -> str:
    """Id of the person whose sign-in waits. Errors: Gone for a ticket that is unknown, used or over."""
    user_id = repository.ticket_holder(session, session_hash(ticket), now) if ticket else None
    if user_id is None:
        raise Gone(_OVER)
    return user_id


def redeem_ticket(session: Session, ticket: str, code: str, now: datetime, origin: SignInOrigin) -> SignedIn:
    """Finish the sign-in with a code; ticket and code are used up. With a wrong code the ticket is still good.

    Errors: Gone as `ticket_holder`, CodeRefused.
    """
    user = accounts.user_by_id(session, ticket_holder(session, ticket, now))
    if user is None:
        raise Gone(_OVER)
    signed_in = login(session, Credential(user.id, user.password_hash), now, origin, code)
    if not repository.take_ticket(session, session_hash(ticket), now):
        raise Gone(_OVER)
    return signed_in
