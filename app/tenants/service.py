"""Making, changing and measuring tenants (contract A.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlmodel import Session

from app.eventstore.service import get_event_store
from app.identity import service as identity
from app.identity.contracts import (
    OPERATOR_EMAIL,
    SYSTEM_ACTOR,
    Actor,
    ApiKeyScope,
    IngestKind,
    IngestPrincipal,
    IngestScope,
    TenantPlan,
    UserRole,
    Via,
)
from app.ingest import service as ingest
from app.kernel.errors import BadRequest, Conflict, Forbidden, NotFound, Unavailable
from app.kernel.ids import new_id
from app.projects import service as projects
from app.tenants import repository
from models.identity import Tenant

_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
LONGEST_NAME: Final = 255
NEEDS_ADMINISTRATOR: Final = (
    "an administrator's credential is needed: an owner's API key that may write, or a key of kind events and scope admin"
    " from plumbline key create"
)


class TenantStatus(StrEnum):
    """Whether a tenant may send; a trial may."""

    TRIAL = "trial"
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Quotas:
    """What a plan allows; None is without limit."""

    events_per_day: int | None
    anomalies_per_day: int | None
    storage_gb: int
    requests_per_minute: int


QUOTAS: Final[Mapping[TenantPlan, Quotas]] = {
    TenantPlan.TRIAL: Quotas(1_000, 100, 10, 60),
    TenantPlan.STARTER: Quotas(5_000, 500, 50, 300),
    TenantPlan.PRO: Quotas(20_000, 2_000, 200, 1_200),
    TenantPlan.ENTERPRISE: Quotas(None, None, 1_000, 6_000),
}
RESOURCES: Final = ("events", "anomalies", "storage", "api_requests")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used since `last_reset`, the begin of the UTC day."""

    events: int
    anomalies: int
    storage_gb: float
    api_requests: int
    last_reset: datetime


@dataclass(frozen=True, slots=True)
class TenantView:
    """A tenant with what it may use and what it used."""

    id: str
    name: str
    domain: str | None
    plan: str
    status: str
    industry: str | None
    company_size: str | None
    created_at: datetime
    updated_at: datetime
    quotas: Quotas
    usage: Usage
    projects: tuple[str, ...] = ()
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class TenantDraft:
    """A tenant to make."""

    name: str
    domain: str
    plan: str = TenantPlan.TRIAL.value
    industry: str | None = None
    company_size: str | None = None


def require_admin(actor: Actor) -> None:
    """Owners, by session or by a key of theirs that may write and is bound to no project. Forbidden for everybody else.

    Before anybody has signed up, keys made at the command line stand for the operator.
    """
    is_admin = actor.role is UserRole.OWNER or actor.email == OPERATOR_EMAIL
    if not is_admin or (actor.via is Via.KEY and actor.scope is not ApiKeyScope.WRITE):
        raise Forbidden(NEEDS_ADMINISTRATOR)
    actor.require_reach(None)


def administrator(session: Session, caller: Actor | IngestPrincipal) -> Actor:
    """Who administers tenants with this credential: an owner, or the operator by their key. Forbidden for everybody else."""
    if not isinstance(caller, IngestPrincipal):
        require_admin(caller)
        return caller
    if not _is_operator(session, caller):
        raise Forbidden(NEEDS_ADMINISTRATOR)
    return SYSTEM_ACTOR


def _is_operator(session: Session, principal: IngestPrincipal) -> bool:
    return principal.kind is IngestKind.EVENTS and identity.is_operator_key(session, principal)


def create_tenant(session: Session, actor: Actor, draft: TenantDraft, now: datetime) -> TenantView:
    """A tenant on trial with a project of its own and the key that sends to it, shown only here. Administrators.

    Errors: BadRequest for a missing name or domain and for a plan there is not, Conflict for a domain that is taken.
    """
    require_admin(actor)
    name, domain, plan = _name(draft.name), _domain(draft.domain), _plan(draft.plan)
    if repository.with_domain(session, domain) is not None:
        raise Conflict("a tenant has this domain already")
    tenant = Tenant(
        id=f"tenant_{new_id()}", name=name, domain=domain, plan=plan.value, status=TenantStatus.TRIAL.value,
        industry=draft.industry, company_size=draft.company_size, created_at=now, updated_at=now,
    )  # fmt: skip
    repository.save(session, tenant)
    slug = f"{re.sub(r'[^a-z0-9]+', '-', domain)[:40].strip('-')}-{tenant.id[-6:]}"
    projects.create_project(session, actor, name, slug, f"Events of {domain}", tenant_id=tenant.id)
    _, token = identity.create_ingest_key(
        session, actor, slug, kind=IngestKind.EVENTS, scope=IngestScope.ADMIN, name="Tenant", now=now
    )
    identity.record_audit(session, actor, "tenant.create", "tenant", tenant.id, payload={"name": name, "plan": plan.value})
    return _view(session, tenant, now, api_key=token)


def list_tenants(session: Session, actor: Actor, limit: int, offset: int, now: datetime) -> tuple[list[TenantView], int]:
    """Tenants, newest first, and how many there are. Administrators."""
    require_admin(actor)
    rows, total = repository.page(session, limit, offset)
    return _views(session, rows, now), total


def get_tenant(session: Session, caller: Actor | IngestPrincipal, tenant_id: str, now: datetime) -> TenantView:
    """One tenant, for administrators and for the tenant itself. Errors: NotFound, also for somebody else's."""
    return _view(session, _find(session, caller, tenant_id), now)


def update_tenant(session: Session, actor: Actor, tenant_id: str, changes: Mapping[str, str | None], now: datetime) -> TenantView:
    """Change what is named. Administrators. Errors: NotFound, BadRequest, Conflict as `create_tenant`."""
    require_admin(actor)
    tenant = _find(session, actor, tenant_id, lock=True)
    if changes.get("name") is not None:
        tenant.name = _name(str(changes["name"]))
    if changes.get("domain") is not None:
        domain = _domain(str(changes["domain"]))
        holder = repository.with_domain(session, domain)
        if holder is not None and holder.id != tenant.id:
            raise Conflict("a tenant has this domain already")
        tenant.domain = domain
    if changes.get("plan") is not None:
        tenant.plan = _plan(str(changes["plan"])).value
    if changes.get("status") is not None:
        if changes["status"] not in set(TenantStatus):
            raise BadRequest(f"status is one of {', '.join(TenantStatus)}")
        tenant.status = str(changes["status"])
    for name in ("industry", "company_size"):
        if changes.get(name) is not None:
            setattr(tenant, name, changes[name])
    tenant.updated_at = now
    repository.save(session, tenant)
    payload = {name: value for name, value in changes.items() if value is not None}
    identity.record_audit(session, actor, "tenant.update", "tenant", tenant.id, payload=payload)
    return _view(session, tenant, now)


def delete_tenant(session: Session, actor: Actor, tenant_id: str) -> None:
    """Remove a tenant that holds no project. Administrators. Errors: NotFound, Conflict while it has projects."""
    require_admin(actor)
    tenant = _find(session, actor, tenant_id, lock=True)
    held = repository.project_slugs(session, tenant.id)
    if held:
        raise Conflict(f"delete its projects first: {', '.join(held[:5])}")
    identity.record_audit(session, actor, "tenant.delete", "tenant", tenant.id, payload={"name": tenant.name})
    repository.delete(session, tenant)


def is_exceeded(view: TenantView, resource: str) -> bool:
    """Whether the quota of `events`, `anomalies`, `storage` or `api_requests` is used up (>=). BadRequest for another word."""
    limits = {
        "events": (view.usage.events, view.quotas.events_per_day),
        "anomalies": (view.usage.anomalies, view.quotas.anomalies_per_day),
        "storage": (view.usage.storage_gb, view.quotas.storage_gb),
        "api_requests": (view.usage.api_requests, view.quotas.requests_per_minute),
    }
    if resource not in limits:
        raise BadRequest(f"resource is one of {', '.join(RESOURCES)}")
    used, limit = limits[resource]
    return limit is not None and used >= limit


def _find(session: Session, caller: Actor | IngestPrincipal, tenant_id: str, *, lock: bool = False) -> Tenant:
    if isinstance(caller, IngestPrincipal):
        may_see = caller.tenant_id == tenant_id or _is_operator(session, caller)
    else:
        require_admin(caller)
        may_see = True
    tenant = repository.find(session, tenant_id, lock=lock) if may_see else None
    if tenant is None:
        raise NotFound("tenant not found")
    return tenant


def _views(session: Session, tenants: Sequence[Tenant], now: datetime) -> list[TenantView]:
    stored = _stored_gb([tenant.id for tenant in tenants])
    return [_view(session, tenant, now, stored=stored) for tenant in tenants]


def _view(
    session: Session, tenant: Tenant, now: datetime, *, api_key: str | None = None, stored: Mapping[str, float] | None = None
) -> TenantView:
    if stored is None:
        stored = _stored_gb([tenant.id])
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    usage = Usage(
        events=ingest.used_quota(session, tenant.id, "events", today),
        anomalies=ingest.used_quota(session, tenant.id, "anomalies", today),
        storage_gb=stored.get(tenant.id, 0.0),
        api_requests=ingest.tenant_requests(session, tenant.id, today),
        last_reset=today,
    )
    return TenantView(
        tenant.id, tenant.name, tenant.domain, tenant.plan, tenant.status, tenant.industry, tenant.company_size,
        tenant.created_at, tenant.updated_at, QUOTAS.get(_known(tenant.plan), QUOTAS[TenantPlan.TRIAL]), usage,
        tuple(repository.project_slugs(session, tenant.id)), api_key,
    )  # fmt: skip


def _stored_gb(tenant_ids: Sequence[str]) -> dict[str, float]:
    try:
        return {tenant: round(size / 1e9, 3) for tenant, size in get_event_store().stored_bytes(tenant_ids).items()}
    except Unavailable:  # what a tenant may do does not wait for the event store
        return {}


def _known(plan: str) -> TenantPlan:
    return TenantPlan(plan) if plan in set(TenantPlan) else TenantPlan.TRIAL


def _name(text: str) -> str:
    name = text.replace("\x00", "").strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise BadRequest(f"name must have 1 to {LONGEST_NAME} characters")
    return name


def _domain(text: str) -> str:
    domain = text.strip().lower().rstrip(".")
    if not _DOMAIN.fullmatch(domain):
        raise BadRequest("domain must be a host name")
    return domain


def _plan(text: str) -> TenantPlan:
    for plan in QUOTAS:
        if plan.value == text:
            return plan
    raise BadRequest(f"plan is one of {', '.join(QUOTAS)}")
