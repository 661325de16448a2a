"""From a cookie or a key to the person behind it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.identity import policy, repository
from app.identity.contracts import Actor, ApiKeyScope, UserRole, Via
from app.identity.key_use import note_use
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
) -> Actor:
    """The actor that this account is."""
    return Actor(user.id, user.email, user.name or user.email, UserRole(user.role), via, scope, bound_to, sign_in_id)


def caller_for_session(session: Session, token: str | None, now: datetime) -> Actor | None:
    """The person signed in with this cookie; None when the session is unknown or over. Safe in a reading transaction."""
    if not token:
        return None
    found = repository.session_with_user(session, session_hash(token))
    if found is None or found[0].expires_at <= now:
        return None
    note_use(session, found[0], now)
    return actor_for(found[1], sign_in_id=found[0].id)


def resolve_caller(
    session: Session, *, authorization: str | None, cookie: str | None, project_slug: str | None, now: datetime
) -> Actor:
    """Who sends this request: the key in `authorization` when it is a Bearer one, else the cookie's session.

    `project_slug` is the request's project, None on paths without one. Errors: Unauthorized; Forbidden for a key bound to
    a project anywhere else (contract section 13). Safe in a reading transaction.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() == _BEARER:
        return _caller_for_key(session, token.strip(), project_slug, now)
    actor = caller_for_session(session, cookie, now)
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
