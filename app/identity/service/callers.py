"""From a cookie or a key to the person behind it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.identity import policy, repository, second_factor_repository
from app.identity.contracts import Actor, ApiKeyScope, UserRole, Via
from app.identity.key_use import note_use
from app.identity.passwords import UNUSABLE
from app.identity.second_factor import SecondFactorMissing
from app.kernel.crypto import keyed_hash, sha256_hex
from app.kernel.errors import Forbidden, Unauthorized
from app.kernel.settings import get_settings
from models.identity import User

_BEARER = "bearer"


def session_hash(token: str) -> str:
    """What is stored of a session token."""
    return keyed_hash(get_settings().secret_key(), token)


def actor_for(
    user: User,
    *,
    via: Via = Via.SESSION,
    scope: ApiKeyScope = ApiKeyScope.WRITE,
    bound_to: str | None = None,
    sign_in_id: str | None = None,
    has_to_enrol: bool = False,
) -> Actor:
    """The actor that this account is."""
    return Actor(user.id, user.email, user.name or user.email, UserRole(user.role), via, scope, bound_to, sign_in_id, has_to_enrol)


def is_second_factor_required() -> bool:
    """Whether everybody with a password has to have a second factor; not while passwords open nothing."""
    settings = get_settings()
    return settings.security.require_second_factor and not settings.oidc.is_only_way


def caller_for_session(session: Session, token: str | None, now: datetime, *, may_enrol: bool = False) -> Actor | None:
    """The person signed in with this cookie; None when the session is unknown or over. Safe in a reading transaction.

    Errors: SecondFactorMissing for somebody who has to set one up first, unless the caller is about that (`may_enrol`).
    """
    if not token:
        return None
    found = repository.session_with_user(session, session_hash(token))
    if found is None or found[0].expires_at <= now:
        return None
    note_use(session, found[0], now)
    user = found[1]
    has_to_enrol = (
        is_second_factor_required()
        and user.password_hash != UNUSABLE
        and not second_factor_repository.is_confirmed(session, user.id)
    )
    if has_to_enrol and not may_enrol:
        raise SecondFactorMissing("This installation asks for a second factor: set one up first, at /api/v1/me/second-factor")
    return actor_for(user, sign_in_id=found[0].id, has_to_enrol=has_to_enrol)


def resolve_caller(
    session: Session,
    *,
    authorization: str | None,
    cookie: str | None,
    project_slug: str | None,
    now: datetime,
    may_enrol: bool = False,
) -> Actor:
    """Who sends this request: the key in `authorization` when it is a Bearer one, else the cookie's session.

    `project_slug` is the request's project, None on paths without one. Errors: Unauthorized; Forbidden for a key bound to
    a project anywhere else (contract section 13); SecondFactorMissing as `caller_for_session`. Safe in a reading transaction.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() == _BEARER:
        return _caller_for_key(session, token.strip(), project_slug, now)
    actor = caller_for_session(session, cookie, now, may_enrol=may_enrol)
    if actor is None:
        raise Unauthorized("Not authenticated")
    return actor


def _caller_for_key(session: Session, token: str, project_slug: str | None, now: datetime) -> Actor:
    found = repository.api_key_with_user(session, sha256_hex(token))
    if found is None or not policy.is_usable(revoked_at=found[0].revoked_at, expires_at=found[0].expires_at, now=now):
        raise Unauthorized("Invalid or expired API key")
    key, user = found
    if key.project_id is not None:
        project = repository.project_by_slug(session, project_slug) if project_slug is not None else None
        if project is None or project[0] != key.project_id:
            raise Forbidden("API key is scoped to a single project")
    note_use(session, key, now)
    return actor_for(user, via=Via.KEY, scope=ApiKeyScope(key.scope), bound_to=key.project_id)
