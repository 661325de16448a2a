"""Signing in and up, step by step: each step has its own transaction, and the slow password hash runs outside all of them.

A write transaction of SQLite keeps every other writer waiting, so a quarter of a second of hashing has no place in one. The
first step is committed even when a later one refuses: a failed attempt uses up a turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlmodel import Session

from app.identity import service
from app.identity.contracts import Actor, Credential, Enrolment, InvitationView, SignedIn, SignInOrigin, UserRole
from app.identity.letters import invitation_letter
from app.identity.passwords import hash_password, verify_password
from app.identity.policy import Allowance
from app.identity.second_factor import CodeRefused
from app.kernel import mail
from app.kernel.clock import Clock
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, InvalidInput, Unauthorized
from app.kernel.settings import get_settings


def sign_in(email: str, password: str, *, address: str, clock: Clock, user_agent: str = "", code: str | None = None) -> SignedIn:
    """Check email and password of a client at `address`, and the code where the account asks for one; open a session.

    Errors: TooManyRequests, Unauthorized with one answer for an unknown email and a wrong password, CodeRequired and
    CodeRefused after a right password.
    """
    credential = _checked_credential(email, password, address, clock)
    origin = SignInOrigin(address, user_agent)
    if code is None or credential.user_id is None or not credential.has_second_factor:
        with session_scope() as session:
            return service.login(session, credential, clock.now(), origin)
    with _code_attempt(credential.user_id, "sign-in", address, clock) as session:
        return service.login(session, credential, clock.now(), origin, code)


def begin_sign_in(email: str, password: str, *, address: str, clock: Clock, user_agent: str = "") -> SignedIn | str:
    """Like `sign_in` for a browser, which gives the code afterwards: a ticket for `finish_sign_in` where there has to be one."""
    credential = _checked_credential(email, password, address, clock)
    with session_scope() as session:
        if credential.has_second_factor:
            return service.issue_ticket(session, credential, clock.now())
        return service.login(session, credential, clock.now(), SignInOrigin(address, user_agent))


def finish_sign_in(ticket: str, code: str, *, address: str, clock: Clock, user_agent: str = "") -> SignedIn:
    """Open a session for the holder of the ticket with a code of theirs.

    Errors: Gone for a ticket that is unknown, used or over, TooManyRequests, CodeRefused.
    """
    with session_scope(write=False) as session:
        user_id = service.ticket_holder(session, ticket, clock.now())
    with _code_attempt(user_id, "sign-in", address, clock) as session:
        return service.redeem_ticket(session, ticket, code, clock.now(), SignInOrigin(address, user_agent))


def begin_second_factor(actor: Actor, password: str, *, clock: Clock) -> Enrolment:
    """Hand the signed-in caller a secret to confirm. Errors: as `check_own_password`, Conflict when the factor is on."""
    check_own_password(actor, password, clock)
    with session_scope() as session:
        return service.begin_second_factor(session, actor)


def turn_off_second_factor(actor: Actor, password: str, code: str, *, clock: Clock, address: str = "") -> None:
    """Ask the caller for no code any more. Errors: as `check_own_password`, Conflict when it is off, InvalidInput at `code`."""
    user_id, _ = check_own_password(actor, password, clock)
    with own_code_attempt(user_id, "turn off", address) as session:
        service.turn_off_second_factor(session, actor, code, clock.now())


def renew_recovery_codes(actor: Actor, password: str, code: str, *, clock: Clock, address: str = "") -> list[str]:
    """Give the caller fresh recovery codes; the earlier ones are void. Errors: as `turn_off_second_factor`."""
    user_id, _ = check_own_password(actor, password, clock)
    with own_code_attempt(user_id, "renew recovery codes", address) as session:
        return service.renew_recovery_codes(session, actor, code, clock.now())


def sign_up(email: str, password: str, name: str | None, *, address: str, clock: Clock, user_agent: str = "") -> SignedIn:
    """Create an account for a client at `address` and open a session.

    Errors: TooManyRequests, Forbidden when sign-up is closed, Conflict when the email has an account.
    """
    _take_turn("register", get_settings().security.registrations_per_hour, timedelta(hours=1), address, clock)
    with session_scope(write=False) as session:
        if not service.is_registration_open(session):
            raise Forbidden("Registration is closed")
    password_hash = hash_password(password)
    with session_scope() as session:
        origin = SignInOrigin(address, user_agent)
        return service.register(session, email=email, password_hash=password_hash, name=name, now=clock.now(), origin=origin)


def invite(actor: Actor, email: str, role: UserRole, *, clock: Clock) -> tuple[InvitationView, str]:
    """Invite somebody, by mail too where the instance can send any; the token is for the inviter to hand over.

    Errors: Forbidden for callers who are no owners, Conflict when the address has an account.
    """
    with session_scope() as session:
        view, token = service.create_invitation(session, actor, email=email, role=role, now=clock.now())
    mail.post(lambda: invitation_letter(view.email, view.role, view.invited_by, token))
    return view, token


def accept_invitation(token: str, password: str, name: str | None, *, address: str, clock: Clock, user_agent: str = "") -> SignedIn:
    """Open the account that an invitation offers to a client at `address`, and a session.

    Errors: TooManyRequests, NotFound for an invitation that is not valid, Conflict when the email has an account.
    """
    require_passwords()
    _take_turn("register", get_settings().security.registrations_per_hour, timedelta(hours=1), address, clock)
    with session_scope(write=False) as session:
        service.preview_invitation(session, token, clock.now())
    password_hash = hash_password(password)
    with session_scope() as session:
        origin = SignInOrigin(address, user_agent)
        return service.accept_invitation(session, token, password_hash=password_hash, name=name, now=clock.now(), origin=origin)


def standing(*, address: str, clock: Clock) -> tuple[bool, bool]:
    """Whether anybody has signed up, and whether somebody new may. Errors: TooManyRequests for a client that asks too often."""
    with session_scope() as session:
        service.take_turn(session, Allowance("status", 30, timedelta(minutes=1)), address, clock.now())
    with session_scope(write=False) as session:
        return service.has_owner(session), service.is_registration_open(session)


def require_passwords() -> None:
    """Forbidden where people enter through the provider only."""
    if get_settings().oidc.is_only_way:
        raise Forbidden("Passwords are switched off. Sign in through the provider.")


def _take_turn(name: str, count: int, period: timedelta, address: str, clock: Clock) -> None:
    """One of the client's turns, where the owners bound them at all. Errors: TooManyRequests."""
    if count and get_settings().security.rate_limit_enabled:
        with session_scope() as session:
            service.take_turn(session, Allowance(name, count, period), address, clock.now())


def _checked_credential(email: str, password: str, address: str, clock: Clock) -> Credential:
    require_passwords()
    _take_turn("login", get_settings().security.login_attempts_per_minute, timedelta(minutes=1), address, clock)
    with session_scope(write=False) as session:
        credential = service.find_credential(session, email)
    if not verify_password(password, credential.password_hash):
        raise Unauthorized(service.BAD_CREDENTIALS)
    return credential


def check_own_password(actor: Actor, password: str, clock: Clock, *, field: str = "password") -> tuple[str, str]:
    """The caller's id and the hash their password fits, after one of their turns.

    Errors: Forbidden for a key, Conflict for an account without password, TooManyRequests, InvalidInput at `field`.
    """
    with session_scope() as session:
        credential = service.credential_for_change(session, actor)
        user_id = credential.user_id or ""
        service.take_code_turn(session, user_id, clock.now())
    if not verify_password(password, credential.password_hash):
        raise InvalidInput("The password is wrong", field=field)
    return user_id, credential.password_hash or ""


@contextmanager
def _code_attempt(user_id: str, purpose: str, address: str, clock: Clock) -> Iterator[Session]:
    """The transaction in which a code is spent, after one of the person's turns; a refusal is kept in the audit trail."""
    with session_scope() as session:
        service.take_code_turn(session, user_id, clock.now())
    try:
        with session_scope() as session:
            yield session
    except CodeRefused:
        with session_scope() as session:
            service.note_refused_code(session, user_id, purpose, address)
        raise


@contextmanager
def own_code_attempt(user_id: str, purpose: str, address: str) -> Iterator[Session]:
    """Like `_code_attempt` for somebody who is signed in and whose password was just checked: no reason to sign in anew."""
    try:
        with session_scope() as session:
            yield session
    except CodeRefused as refusal:
        with session_scope() as session:
            service.note_refused_code(session, user_id, purpose, address)
        raise InvalidInput(refusal.message, field="code") from None
