"""Signing up, activating, signing in and changing passwords (contract D.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import jwt
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.audit import repository
from app.identity import service as identity
from app.identity.passwords import hash_password, verify_password
from app.identity.policy import Allowance
from app.kernel.crypto import SecretBox, keyed_hash, sha256_hex
from app.kernel.errors import AppError, BadRequest, Forbidden, Gone, NotFound, Unauthorized
from app.kernel.local_secrets import local_secret
from app.kernel.settings import get_settings
from models.audit import AuditAccount, AuditLink

LINK_SECONDS: Final = 60
TOKEN_MINUTES: Final = 60
TRIES: Final = (("account", 10), ("address", 100))
"""Failed tries in a minute: for one account from anywhere, and from one address for any account."""
ACTIVATE: Final = "activate"
RESET: Final = "reset"
ADMIN: Final = "admin"
_ALGORITHM: Final = "HS256"


def sign_up(session: Session, username: str, email: str, password_hash: str, now: datetime) -> str:
    """Make an account that is not active yet; the key of its activation link. BadRequest for a taken name or address."""
    ensure_admin(session, now)  # so that nobody takes its name before it is needed
    if repository.by_username(session, username) is not None:
        raise BadRequest("The username is already taken")
    if repository.by_email(session, email.lower()) is not None:
        raise BadRequest("The email is already in use")
    account = _new_account(username, email.lower(), password_hash, now)
    try:
        repository.save(session, account)
    except IntegrityError:
        raise BadRequest("The username is already taken") from None
    return _link(session, account, ACTIVATE, now)


def activate(session: Session, key: str, now: datetime) -> AuditAccount:
    """Make the account usable; the link works once. Gone for an unknown, used or expired link."""
    account = _use(session, key, ACTIVATE, now)
    account.is_active = True
    repository.save(session, account)
    return account


def resend(session: Session, email: str, now: datetime) -> tuple[AuditAccount, str]:
    """A new activation link; earlier ones stop working. NotFound, BadRequest for an account that is active."""
    account = _of_email(session, email)
    if account.is_active:
        raise BadRequest("The account is already active")
    return account, _link(session, account, ACTIVATE, now)


def take_try(session: Session, account: str, address: str, now: datetime) -> None:
    """Use one try of the account and of the client's address, before anything is compared. TooManyRequests.

    Wants a transaction of its own, so that the try counts when what follows fails. `give_back_try` undoes it when it succeeds.
    """
    for allowance, key in _tries(account, address):
        identity.take_turn(session, allowance, key, now)


def give_back_try(session: Session, account: str, address: str) -> None:
    """The try succeeded: whoever knows the password may use it as often as they like."""
    for allowance, key in _tries(account, address):
        repository.refill(session, f"{allowance.name}:{key}"[:200], allowance.count)


def _tries(account: str, address: str) -> list[tuple[Allowance, str]]:
    keys = {"account": account.strip().casefold(), "address": address}
    return [(Allowance(f"audit sign-in {kind}", count, timedelta(minutes=1)), keys[kind]) for kind, count in TRIES]


def sign_in(session: Session, username: str, password: str, now: datetime) -> str:
    """A token for an hour. NotFound, then Forbidden while not active, then Unauthorized for a wrong password."""
    account = repository.by_username(session, username)
    if account is None:
        raise NotFound("There is no user of this name")
    if not account.is_active:
        raise Forbidden("The account is not activated")
    if not verify_password(password, account.password_hash):
        raise Unauthorized("The password is wrong")
    claims = {
        "sub": account.username,
        "username": account.username,
        "email": account.email,
        "id": account.id,
        "is_active": account.is_active,
        "exp": now + timedelta(minutes=TOKEN_MINUTES),
    }
    return jwt.encode(claims, _secret(), algorithm=_ALGORITHM)


def caller(session: Session, token: str, now: datetime) -> AuditAccount:
    """Who the token stands for. Forbidden for a bad or expired one and for an account that is not active."""
    try:
        claims = jwt.decode(token, _secret(), algorithms=[_ALGORITHM], options={"verify_exp": False, "require": ["exp", "sub"]})
        is_over = float(claims["exp"]) <= now.timestamp()
    except (jwt.InvalidTokenError, TypeError, ValueError):
        raise Forbidden("Invalid token") from None
    account = None if is_over else repository.by_id(session, str(claims.get("id")))
    if account is None or not account.is_active:
        raise Forbidden("Invalid token")
    return account


def check_password(account: AuditAccount, password: str) -> None:
    """Unauthorized when it is not the account's. Takes a noticeable part of a second, so it belongs outside transactions."""
    if not verify_password(password, account.password_hash):
        raise Unauthorized("The current password is wrong")


def change_password(session: Session, account_id: str, new_hash: str) -> None:
    """Set the password. Forbidden for an account that is gone."""
    account = repository.by_id(session, account_id)
    if account is None:
        raise Forbidden("Invalid token")
    account.password_hash = new_hash
    repository.save(session, account)


def forgot_password(session: Session, email: str, now: datetime) -> tuple[AuditAccount, str]:
    """A link to set a new password. NotFound."""
    account = _of_email(session, email)
    return account, _link(session, account, RESET, now)


def check_reset(session: Session, key: str, now: datetime) -> None:
    """Gone unless the link may be used; it stays usable."""
    if repository.open_link(session, sha256_hex(key), RESET, now) is None:
        raise Gone("The link is expired, used or unknown")


def reset_password(session: Session, key: str, new_hash: str, now: datetime) -> None:
    """Set the password; the link works once. Gone."""
    account = _use(session, key, RESET, now)
    account.password_hash = new_hash
    repository.save(session, account)


def of_access_key(session: Session, key: str) -> AuditAccount:
    """The account that records go to. NotFound for an unknown key, Forbidden before activation."""
    account = repository.by_access_key(session, sha256_hex(key.strip().lower()))
    if account is None:
        raise NotFound("Unknown api key")
    if not account.is_active:
        raise Forbidden("The account is not activated")
    return account


def access_key_of(account: AuditAccount) -> str:
    """The access key in the clear. AppError when it was sealed with a key that is gone."""
    try:
        return _box().open(account.sealed_access_key)
    except ValueError:
        raise AppError("The access key cannot be read with today's encryption keys") from None


def find_admin(session: Session) -> AuditAccount | None:
    """The administrator's account, once it was made."""
    return repository.by_username(session, ADMIN)


def ensure_admin(session: Session, now: datetime) -> AuditAccount:
    """The account whose bucket holds what this surface does; its password rests in the data folder."""
    account = repository.by_username(session, ADMIN)
    if account is None:
        password = "Aa1-" + local_secret(get_settings().data_dir, "audit_admin_password")[:40]
        account = _new_account(ADMIN, "admin@plumbline.io", hash_password(password), now)
        account.is_active = account.is_superuser = True
        repository.save(session, account)
    return account


def visible(session: Session, account: AuditAccount, account_id: str) -> AuditAccount:
    """Another account, for superusers; everybody sees their own. NotFound."""
    found = repository.by_id(session, account_id)
    if found is None or (found.id != account.id and not account.is_superuser):
        raise NotFound("There is no such user")
    return found


def _new_account(username: str, email: str, password_hash: str, now: datetime) -> AuditAccount:
    key = str(uuid4())
    return AuditAccount(
        username=username,
        email=email,
        password_hash=password_hash,
        sealed_access_key=_box().seal(key),
        access_key_hash=sha256_hex(key),
        created_at=now,
        updated_at=now,
    )


def _of_email(session: Session, email: str) -> AuditAccount:
    account = repository.by_email(session, email.lower())
    if account is None:
        raise NotFound("There is no user with this email")
    return account


def _link(session: Session, account: AuditAccount, purpose: str, now: datetime) -> str:
    repository.delete_links(session, account.id, purpose)
    key = str(uuid4())
    expires_at = now + timedelta(seconds=LINK_SECONDS)
    repository.save(session, AuditLink(key_hash=sha256_hex(key), account_id=account.id, purpose=purpose, expires_at=expires_at))
    return key


def _use(session: Session, key: str, purpose: str, now: datetime) -> AuditAccount:
    link = repository.open_link(session, sha256_hex(key), purpose, now)
    account = None if link is None else repository.by_id(session, link.account_id)
    if link is None or account is None or not repository.use_link(session, link.key_hash, now):
        raise Gone("The link is expired, used or unknown")
    return account


def _box() -> SecretBox:
    return SecretBox(get_settings().encryption_keys())


def _secret() -> str:
    return keyed_hash(get_settings().secret_key(), "tokens of the audit log")
