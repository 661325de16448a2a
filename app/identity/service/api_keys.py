"""Keys to the tracking-plan API. A key acts as its user; the token is handed out once and never stored."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.identity import policy, repository
from app.identity.contracts import Actor, ApiKeyScope, ApiKeyView, Via
from app.identity.service.accounts import operator_account
from app.identity.service.audit import record_audit
from app.identity.service.callers import actor_for
from app.kernel.crypto import sha256_hex
from app.kernel.errors import Forbidden, InvalidInput, NotFound
from models.identity import ApiKey

NAME_LIMIT = 100


def list_api_keys(session: Session, actor: Actor) -> list[ApiKeyView]:
    """The caller's own keys, newest first, revoked ones included."""
    actor.require_reach(None)
    return [_view(key) for key in repository.api_keys_of(session, _user_id(actor))]


def create_api_key(
    session: Session,
    actor: Actor,
    *,
    name: str,
    scope: ApiKeyScope = ApiKeyScope.READ,
    expires_in_days: int | None = None,
    project_slug: str | None = None,
    now: datetime,
) -> tuple[ApiKeyView, str]:
    """A key of the caller and its token; with a slug it reaches that project only.

    Errors: Forbidden for a viewer's write key and for a read key, NotFound for an unknown slug, InvalidInput for a blank name.
    """
    actor.require_reach(None)
    policy.check_key_creation(actor, scope)
    user_id = _user_id(actor)
    name = checked_key_name(name)
    project_id = None
    if project_slug is not None:
        project = repository.project_by_slug(session, project_slug)
        if project is None:
            raise NotFound("Project not found")
        project_id = project[0]
    token = policy.new_api_token(scope)
    key = ApiKey(
        user_id=user_id,
        project_id=project_id,
        name=name,
        key_prefix=token[: policy.PREFIX_CHARACTERS],
        token_hash=sha256_hex(token),
        scope=scope,
        expires_at=policy.expiry(now, expires_in_days),
        created_at=now,
    )
    repository.add(session, key)
    payload = {"name": name, "scope": scope.value, "expires_in_days": expires_in_days}
    record_audit(session, actor, "api_key.create", "api_key", key.id, project_slug=project_slug, payload=payload)
    return _view(key), token


def revoke_api_key(session: Session, actor: Actor, key_id: str, now: datetime) -> None:
    """Make one of the caller's own keys useless at once; doing it again changes nothing. Errors: NotFound."""
    actor.require_reach(None)
    actor.require_write()
    key = repository.api_key_of(session, _user_id(actor), key_id)
    if key is None:
        raise NotFound("API key not found")
    if key.revoked_at is None:
        key.revoked_at = now
        record_audit(session, actor, "api_key.revoke", "api_key", key.id, payload={"name": key.name})


def create_operator_key(
    session: Session, *, scope: ApiKeyScope, name: str, project_slug: str | None = None, now: datetime
) -> tuple[ApiKeyView, str]:
    """A key made by whoever runs the instance. It acts for the oldest owner and passes to the first one to sign up."""
    actor = actor_for(operator_account(session, now), via=Via.SYSTEM)
    return create_api_key(session, actor, name=name, scope=scope, project_slug=project_slug, now=now)


def checked_key_name(name: str) -> str:
    """The name without surrounding space; InvalidInput when nothing is left or it is too long."""
    name = name.replace("\x00", "").strip()
    if not 1 <= len(name) <= NAME_LIMIT:
        raise InvalidInput(f"The name must have 1 to {NAME_LIMIT} characters", field="name")
    return name


def _user_id(actor: Actor) -> str:
    if actor.user_id is None:
        raise Forbidden("Only a person has API keys")
    return actor.user_id


def _view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        id=key.id,
        name=key.name,
        key_prefix=key.key_prefix,
        scope=ApiKeyScope(key.scope),
        project_id=key.project_id,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        created_at=key.created_at,
    )
