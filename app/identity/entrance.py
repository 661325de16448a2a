"""Signing in and up, step by step: each step has its own transaction, and the slow password hash runs outside all of them.

A write transaction of SQLite keeps every other writer waiting, so a quarter of a second of hashing has no place in one. The
first step is committed even when a later one refuses: a failed attempt uses up a turn.
"""

from __future__ import annotations

from datetime import timedelta

from app.identity import service
from app.identity.contracts import SignedIn, SignInOrigin
from app.identity.passwords import hash_password, verify_password
from app.identity.policy import Allowance
from app.kernel.clock import Clock
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, Unauthorized
from app.kernel.settings import get_settings


def sign_in(email: str, password: str, *, address: str, clock: Clock, user_agent: str = "") -> SignedIn:
    """Check email and password of a client at `address` and open a session.

    Errors: TooManyRequests, Unauthorized with one answer for an unknown email and a wrong password.
    """
    limit = Allowance("login", get_settings().security.login_attempts_per_minute, timedelta(minutes=1))
    with session_scope() as session:
        service.take_turn(session, limit, address, clock.now())
    with session_scope(write=False) as session:
        credential = service.find_credential(session, email)
    if not verify_password(password, credential.password_hash):
        raise Unauthorized(service.BAD_CREDENTIALS)
    with session_scope() as session:
        return service.login(session, credential, clock.now(), SignInOrigin(address, user_agent))


def sign_up(email: str, password: str, name: str | None, *, address: str, clock: Clock, user_agent: str = "") -> SignedIn:
    """Create an account for a client at `address` and open a session.

    Errors: TooManyRequests, Forbidden when sign-up is closed, Conflict when the email has an account.
    """
    limit = Allowance("register", get_settings().security.registrations_per_hour, timedelta(hours=1))
    with session_scope() as session:
        service.take_turn(session, limit, address, clock.now())
    with session_scope(write=False) as session:
        if not service.is_registration_open(session):
            raise Forbidden("Registration is closed")
    password_hash = hash_password(password)
    with session_scope() as session:
        origin = SignInOrigin(address, user_agent)
        return service.register(session, email=email, password_hash=password_hash, name=name, now=clock.now(), origin=origin)


def accept_invitation(token: str, password: str, name: str | None, *, address: str, clock: Clock, user_agent: str = "") -> SignedIn:
    """Open the account that an invitation offers to a client at `address`, and a session.

    Errors: TooManyRequests, NotFound for an invitation that is not valid, Conflict when the email has an account.
    """
    limit = Allowance("register", get_settings().security.registrations_per_hour, timedelta(hours=1))
    with session_scope() as session:
        service.take_turn(session, limit, address, clock.now())
    with session_scope(write=False) as session:
        service.preview_invitation(session, token, clock.now())
    password_hash = hash_password(password)
    with session_scope() as session:
        origin = SignInOrigin(address, user_agent)
        return service.accept_invitation(session, token, password_hash=password_hash, name=name, now=clock.now(), origin=origin)
