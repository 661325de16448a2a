"""A person's second factor: turning it on and off, proving it, and taking it from somebody who lost it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlmodel import Session

from app.identity import repository as accounts
from app.identity import second_factor as factor
from app.identity import second_factor_repository as repository
from app.identity.contracts import Actor, Credential, Enrolment, SecondFactorView, Via
from app.identity.passwords import UNUSABLE
from app.identity.policy import BOUND_WHEN_UNBOUND, Allowance
from app.identity.service.audit import record_audit
from app.identity.service.callers import actor_for, is_second_factor_required
from app.identity.service.turns import give_back_turns, take_turn
from app.kernel.crypto import SecretBox
from app.kernel.errors import BadRequest, Conflict, Forbidden, InvalidInput, NotFound, Unauthorized
from app.kernel.settings import get_settings
from models.identity import User
from models.second_factors import SecondFactor

SIGNED_IN_ELSEWHERE = "This account has no password: whoever signs it in looks after its second factor"
CODE_DOES_NOT_FIT = "The code is wrong or was used already"

log = logging.getLogger("plumbline.identity")


def second_factor_of(session: Session, actor: Actor) -> SecondFactorView:
    """Whether the caller is asked for a code. Errors: Forbidden for a key."""
    user = _account(session, actor)
    row = repository.factor_of(session, user.id)
    return SecondFactorView(
        confirmed_at=row.confirmed_at if row else None,
        recovery_codes_left=repository.count_unused_codes(session, user.id),
        has_password=user.password_hash != UNUSABLE,
        is_required=is_second_factor_required() and user.password_hash != UNUSABLE,
    )


def credential_for_change(session: Session, actor: Actor) -> Credential:
    """What the caller's password is checked against. Errors: Forbidden for a key, Conflict for an account without password."""
    user = _account(session, actor)
    if user.password_hash == UNUSABLE:
        raise Conflict(SIGNED_IN_ELSEWHERE)
    return Credential(user.id, user.password_hash)


def begin_second_factor(session: Session, actor: Actor) -> Enrolment:
    """A fresh secret that counts once it is confirmed; an earlier one that was not is forgotten.

    The caller's password was checked. Errors: Forbidden for a key, Conflict when the factor is on.
    """
    user = _locked(session, actor)
    row = repository.factor_of(session, user.id)
    if row is not None and row.confirmed_at is not None:
        raise Conflict("The second factor is on already")
    secret = factor.new_secret()
    if row is None:
        session.add(SecondFactor(user_id=user.id, sealed_totp_secret=_box().seal(secret)))
    else:
        row.sealed_totp_secret = _box().seal(secret)
    session.flush()
    return Enrolment(secret, factor.enrolment_uri(secret, user.email))


def confirm_second_factor(session: Session, actor: Actor, code: str, now: datetime) -> list[str]:
    """Turn the factor on with a code of the app; the recovery codes are known only here. Other sign-ins of the caller end.

    Errors: Forbidden for a key, Conflict without a secret to confirm, InvalidInput for a code that does not fit.
    """
    user = _locked(session, actor)
    row = repository.factor_of(session, user.id)
    if row is None or row.confirmed_at is not None:
        raise Conflict("There is no second factor to confirm. Start again.")
    step = factor.matching_step(_box().open(row.sealed_totp_secret), factor.plain_code(code), now)
    if step is None:
        raise InvalidInput("The code does not fit. Check that the clock of your device is right.", field="code")
    row.confirmed_at, row.used_step = now, step
    codes = _fresh_codes(session, user.id)
    ended = accounts.delete_other_sessions(session, user.id, actor.sign_in_id or "")
    record_audit(session, actor, "second_factor.enable", "user", user.id, payload={"ended_sessions": ended})
    return codes


def renew_recovery_codes(session: Session, actor: Actor, code: str, now: datetime) -> list[str]:
    """Fresh recovery codes, known only here; the earlier ones are void. The caller's password was checked.

    Errors: Forbidden for a key, Conflict when the factor is off, CodeRefused.
    """
    user = _locked(session, actor)
    _prove_for_change(session, user, code, now)
    record_audit(session, actor, "second_factor.renew_codes", "user", user.id)
    return _fresh_codes(session, user.id)


def turn_off_second_factor(session: Session, actor: Actor, code: str, now: datetime) -> None:
    """No code is asked for any more. The caller's password was checked.

    Errors: as `renew_recovery_codes`, Conflict where everybody has to have a second factor.
    """
    if is_second_factor_required():
        raise Conflict("This installation asks everybody for a second factor. To change devices, ask an owner to reset yours.")
    user = _locked(session, actor)
    _prove_for_change(session, user, code, now)
    repository.delete_factor(session, user.id)
    record_audit(session, actor, "second_factor.disable", "user", user.id)


def reset_second_factor(session: Session, actor: Actor, user_id: str) -> bool:
    """Take the factor from somebody who lost it and end their sign-ins; whether there was one.

    Owners only, and not for themselves: a stolen session must not be able to. Errors: NotFound, BadRequest.
    """
    actor.require_owner()
    user = repository.locked_account(session, user_id)
    if user is None:
        raise NotFound("User not found")
    if user.id == actor.user_id:
        raise BadRequest("Turn your own second factor off with a code, or ask another owner")
    if not repository.delete_factor(session, user.id):
        return False
    accounts.delete_sessions_of(session, user.id)
    record_audit(session, actor, "second_factor.reset", "user", user.id, payload={"email": user.email})
    return True


def second_factor_holders(session: Session, actor: Actor) -> frozenset[str]:
    """Ids of the members who are asked for a code. Owners only."""
    actor.require_owner()
    return repository.confirmed_holders(session)


def demand_code(session: Session, user: User, code: str | None, now: datetime) -> None:
    """Let a sign-in whose password was right go on only with a fresh code, when the account asks for one; the code is spent.

    Errors: CodeRequired without a code, CodeRefused.
    """
    if not repository.is_confirmed(session, user.id):
        return
    if code is None:
        raise factor.CodeRequired("This account asks for a code of its authenticator app: send it as `totp`")
    repository.locked_account(session, user.id)  # in the order in which turning off takes its rows
    if not repository.is_confirmed(session, user.id):
        return
    if not _prove(session, user, code, now):
        raise factor.CodeRefused(CODE_DOES_NOT_FIT)


def prove_factor(session: Session, user: User, code: str | None, now: datetime) -> None:
    """Spend a code before something else of a locked account changes, where it has a second factor.

    Errors: InvalidInput at `code` without one, CodeRefused.
    """
    if not repository.is_confirmed(session, user.id):
        return
    if not code:
        raise InvalidInput("Enter a code of your authenticator app, or a recovery code", field="code")
    if not _prove(session, user, code, now):
        raise factor.CodeRefused(CODE_DOES_NOT_FIT)


def take_code_turn(session: Session, user_id: str, now: datetime) -> None:
    """Use one of the person's turns to give a password or code; wants a transaction of its own. Errors: TooManyRequests."""
    take_turn(session, _allowance(), user_id, now)


def note_refused_code(session: Session, user_id: str, purpose: str, address: str) -> None:
    """Keep in the audit trail that a code was refused: the transaction that asked for it is rolled back."""
    user = accounts.user_by_id(session, user_id)
    if user is not None:
        payload = {"purpose": purpose, **({"address": address} if address else {})}
        record_audit(session, actor_for(user), "second_factor.refuse", "user", user_id, payload=payload)


def _prove_for_change(session: Session, user: User, code: str, now: datetime) -> None:
    if not repository.is_confirmed(session, user.id):
        raise Conflict("The second factor is off")
    if not _prove(session, user, code, now):
        raise factor.CodeRefused(CODE_DOES_NOT_FIT)


def _prove(session: Session, user: User, code: str, now: datetime) -> bool:
    """Spend a code of the app or a recovery code; whether it was good. One that was gives the person's turns back."""
    plain = factor.plain_code(code)
    is_good = _spend_step(session, user, plain, now) if factor.is_totp_code(plain) else _spend_recovery(session, user, plain, now)
    if is_good:
        give_back_turns(session, _allowance(), user.id)
    return is_good


def _spend_step(session: Session, user: User, plain: str, now: datetime) -> bool:
    row = repository.factor_of(session, user.id)
    if row is None:
        return False
    try:
        secret = _box().open(row.sealed_totp_secret)
    except ValueError:
        log.error("the second factor of user %s was sealed with an encryption key that is not configured", user.id)
        return False
    step = factor.matching_step(secret, plain, now, after=row.used_step)
    return step is not None and repository.spend_step(session, user.id, step)


def _spend_recovery(session: Session, user: User, plain: str, now: datetime) -> bool:
    if not repository.spend_recovery_code(session, user.id, factor.recovery_hash(plain), now):
        return False
    payload = {"left": repository.count_unused_codes(session, user.id)}
    record_audit(session, actor_for(user), "second_factor.use_recovery_code", "user", user.id, payload=payload)
    return True


def _fresh_codes(session: Session, user_id: str) -> list[str]:
    codes = factor.new_recovery_codes()
    repository.replace_recovery_codes(session, user_id, [factor.recovery_hash(factor.plain_code(code)) for code in codes])
    return codes


def _account(session: Session, actor: Actor) -> User:
    user = accounts.user_by_id(session, _person(actor))
    if user is None:
        raise Unauthorized("Not authenticated")
    return user


def _locked(session: Session, actor: Actor) -> User:
    user = repository.locked_account(session, _person(actor))
    if user is None:
        raise Unauthorized("Not authenticated")
    return user


def _person(actor: Actor) -> str:
    if actor.user_id is None or actor.via is not Via.SESSION:
        raise Forbidden("Only a person in a browser session has a second factor")
    return actor.user_id


def _allowance() -> Allowance:
    # As many as a client address has in a minute, never without bound: six digits do not stand more guesses than that.
    return Allowance("code", get_settings().security.login_attempts_per_minute or BOUND_WHEN_UNBOUND, timedelta(minutes=5))


def _box() -> SecretBox:
    return SecretBox(get_settings().encryption_keys())
