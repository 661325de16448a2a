"""Changing a password, and choosing one that was forgotten, step by step like `entrance`: no hashing inside a transaction.

Who asks for a link learns nothing about the account: whether there is one is looked up beside the request, which takes as long
for every address and answers the same.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from app.identity import service
from app.identity.contracts import Actor
from app.identity.entrance import check_own_password, own_code_attempt, require_passwords
from app.identity.letters import reset_letter
from app.identity.passwords import hash_password
from app.identity.policy import BOUND_WHEN_UNBOUND, Allowance
from app.kernel import mail
from app.kernel.clock import Clock
from app.kernel.database import session_scope
from app.kernel.errors import InvalidInput, TooManyRequests
from app.kernel.settings import get_settings

_LETTERS_OF_AN_ACCOUNT: Final = Allowance("reset-letter", 3, timedelta(hours=1))
# A token cannot be guessed; this bounds the hashing that somebody with a good one may cause.
_CONFIRMATIONS: Final = Allowance("reset-confirm", 20, timedelta(minutes=1))


def change_password(actor: Actor, current: str, new: str, code: str | None, *, clock: Clock, address: str = "") -> None:
    """Give the caller another password; their other sign-ins end. `code` is of their second factor, where it is on.

    Errors: Forbidden for a key and where passwords are switched off, Conflict for an account without password, TooManyRequests,
    InvalidInput at `current_password`, `new_password` or `code`.
    """
    require_passwords()
    user_id, old_hash = check_own_password(actor, current, clock, field="current_password")
    if new == current:
        raise InvalidInput("This is your current password", field="new_password")
    new_hash = hash_password(new)
    with own_code_attempt(user_id, "change password", address) as session:
        service.change_password(session, actor, old_hash=old_hash, new_hash=new_hash, code=code, now=clock.now())


def ask_for_reset(email: str, *, address: str, clock: Clock) -> bool:
    """Mail a link to the account of the email, if it has a password; whether this instance can send mail at all.

    Errors: Forbidden where passwords are switched off, TooManyRequests for a client at `address` that asks too often.
    """
    require_passwords()
    # Bounded also where sign-ins are not: every turn may send a letter.
    limit = Allowance("reset", get_settings().security.login_attempts_per_minute or BOUND_WHEN_UNBOUND, timedelta(minutes=1))
    with session_scope() as session:
        service.take_turn(session, limit, address, clock.now())
    mail.post(partial(_letter, email, address, clock))
    return mail.is_configured(get_settings().email)


def reset_password(token: str, new: str, *, address: str, clock: Clock) -> None:
    """Give the account of the link another password; nobody is signed in.

    Errors: Forbidden where passwords are switched off, TooManyRequests, BadRequest for a link that is not valid.
    """
    require_passwords()
    with session_scope() as session:
        service.take_turn(session, _CONFIRMATIONS, address, clock.now())
    with session_scope(write=False) as session:
        service.reset_holder(session, token, clock.now())
    new_hash = hash_password(new)
    with session_scope() as session:
        service.reset_password(session, token, new_hash, clock.now(), address=address)


def _letter(email: str, address: str, clock: Clock) -> mail.Letter | None:
    """The letter with a fresh link; None for an address without account and for one that had several within the hour."""
    with session_scope(write=False) as session:
        user_id = service.find_credential(session, email).user_id
    if user_id is None:
        return None
    try:
        with session_scope() as session:
            service.take_turn(session, _LETTERS_OF_AN_ACCOUNT, user_id, clock.now())
    except TooManyRequests:
        return None
    with session_scope() as session:
        made = service.create_mailed_reset(session, user_id, address, clock.now())
    # To the address that is stored, not to the one that was typed: two that look alike may be two mailboxes.
    return reset_letter(made[0].email, made[1]) if made else None
