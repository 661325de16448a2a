"""Keys that send records into one project, and the tenants they belong to."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.identity import policy, repository
from app.identity.contracts import (
    DEFAULT_TENANT_ID,
    Actor,
    IngestKeyView,
    IngestKind,
    IngestPrincipal,
    IngestScope,
    TenantPlan,
)
from app.identity.key_use import note_use
from app.identity.service.api_keys import checked_key_name
from app.identity.service.audit import record_audit
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.crypto import sha256_hex
from app.kernel.errors import NotFound
from app.kernel.ids import new_id
from models.identity import IngestKey, Tenant


def create_ingest_key(
    session: Session,
    actor: Actor,
    project_slug: str,
    *,
    kind: IngestKind = IngestKind.EVENTS,
    scope: IngestScope = IngestScope.APPEND,
    name: str,
    expires_in_days: int | None = None,
    now: datetime,
) -> tuple[IngestKeyView, str]:
    """A key into the project and its token, which is shown only here. It belongs to the project's tenant.

    Editors and owners. Errors: NotFound, InvalidInput for a blank name.
    """
    actor.require_editor()
    project_id, tenant_id = _project(session, actor, project_slug)
    name = checked_key_name(name)
    token = policy.new_ingest_token(kind)
    key = IngestKey(
        tenant_id=tenant_id,
        project_id=project_id,
        kind=kind,
        scope=scope,
        name=name,
        key_prefix=token[: policy.PREFIX_CHARACTERS],
        token_hash=sha256_hex(token),
        created_by=actor.user_id,
        expires_at=policy.expiry(now, expires_in_days),
        created_at=now,
    )
    repository.add(session, key)
    payload = {"name": name, "kind": kind.value, "scope": scope.value, "expires_in_days": expires_in_days}
    record_audit(session, actor, "ingest_key.create", "ingest_key", key.id, project_slug=project_slug, payload=payload)
    return _view(key), token


def list_ingest_keys(session: Session, actor: Actor, project_slug: str) -> list[IngestKeyView]:
    """The project's ingest keys, newest first, revoked ones included. Errors: NotFound."""
    project_id, _ = _project(session, actor, project_slug)
    return [_view(key) for key in repository.ingest_keys_of(session, project_id)]


def revoke_ingest_key(session: Session, actor: Actor, project_slug: str, key_id: str, now: datetime) -> None:
    """Make the key useless; doing it again changes nothing. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    project_id, _ = _project(session, actor, project_slug)
    key = repository.ingest_key_of(session, project_id, key_id)
    if key is None:
        raise NotFound("Ingest key not found")
    if key.revoked_at is None:
        key.revoked_at = now
        payload = {"name": key.name, "kind": key.kind}
        record_audit(session, actor, "ingest_key.revoke", "ingest_key", key.id, project_slug=project_slug, payload=payload)


def ingest_principal_for(session: Session, token: str, now: datetime | None = None) -> IngestPrincipal | None:
    """What the key stands for; None when it is unknown or revoked. Whether it has expired is the caller's to check.

    Safe in a reading transaction; notes the use at most once a minute.
    """
    found = repository.ingest_key_with_tenant(session, sha256_hex(token))
    if found is None or found[0].revoked_at is not None:
        return None
    key, tenant = found
    note_use(session, key, now or SYSTEM_CLOCK.now())
    return IngestPrincipal(
        key_id=key.id,
        tenant_id=key.tenant_id,
        project_id=key.project_id,
        kind=IngestKind(key.kind),
        scope=IngestScope(key.scope),
        tenant_plan=tenant.plan,
        tenant_status=tenant.status,
        expires_at=key.expires_at,
    )


def is_operator_key(session: Session, principal: IngestPrincipal) -> bool:
    """Whether whoever runs the instance made this administrating key at the command line, for a project of their own tenant."""
    if principal.scope is not IngestScope.ADMIN or principal.tenant_id != DEFAULT_TENANT_ID:
        return False
    key = repository.ingest_key_of(session, principal.project_id, principal.key_id)
    return key is not None and key.created_by is None


def create_tenant(session: Session, actor: Actor, *, name: str, plan: TenantPlan, now: datetime) -> str:
    """A tenant on the plan; returns its id. Owners and the operator."""
    actor.require_owner()
    tenant = Tenant(id=f"tenant_{new_id()}", name=name, plan=plan, status="active", created_at=now, updated_at=now)
    repository.add(session, tenant)
    record_audit(session, actor, "tenant.create", "tenant", tenant.id, payload={"name": name, "plan": plan.value})
    return tenant.id


def tenant_plan(session: Session, tenant_id: str) -> TenantPlan:
    """The plan a tenant is on. Errors: NotFound."""
    tenant = repository.tenant_by_id(session, tenant_id)
    if tenant is None:
        raise NotFound("Tenant not found")
    return TenantPlan(tenant.plan)


def _project(session: Session, actor: Actor, slug: str) -> tuple[str, str]:
    found = repository.project_by_slug(session, slug)
    if found is None:
        actor.require_reach(None)
        raise NotFound("Project not found")
    actor.require_reach(found[0])
    return found


def _view(key: IngestKey) -> IngestKeyView:
    return IngestKeyView(
        id=key.id,
        tenant_id=key.tenant_id,
        project_id=key.project_id,
        kind=IngestKind(key.kind),
        scope=IngestScope(key.scope),
        name=key.name,
        key_prefix=key.key_prefix,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        created_at=key.created_at,
    )
