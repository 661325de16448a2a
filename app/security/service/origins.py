"""The web origins from which browsers may use a project's security keys (contract C.7). Owners look after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor, IngestPrincipal
from app.kernel.errors import InvalidInput
from app.projects import service as projects
from app.security.origins import checked_origin, is_wildcard
from app.security.plans import plan_of
from app.security.repository import accounts


@dataclass(frozen=True, slots=True)
class Origins:
    """The authorised origins in their order, and what the plan allows; `most` None is without limit."""

    origins: tuple[str, ...]
    most: int | None
    has_wildcards: bool


def authorised(session: Session, principal: IngestPrincipal) -> list[str]:
    """The authorised origins of the key's project, in their order."""
    return list(accounts.origins(session, principal.project_id))


def list_origins(session: Session, actor: Actor, slug: str) -> Origins:
    """The authorised origins. Owners. Errors: NotFound."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    plan = plan_of(identity.tenant_plan(session, project.tenant_id))
    return Origins(tuple(accounts.origins(session, project.id)), plan.origins, plan.has_wildcards)


def set_origins(session: Session, actor: Actor, slug: str, origins: Sequence[str], now: datetime) -> Origins:
    """Replace the list; repetitions count once. Owners. Errors: NotFound, InvalidInput for what is no origin or beyond the plan."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    plan = plan_of(identity.tenant_plan(session, project.tenant_id))
    try:
        wanted = tuple(dict.fromkeys(checked_origin(origin) for origin in origins))
    except ValueError as fault:
        raise InvalidInput(str(fault), field="origins") from None
    if plan.origins is not None and len(wanted) > plan.origins:
        raise InvalidInput(f"The plan {plan.name} allows {plan.origins} origin(s)", field="origins")
    if not plan.has_wildcards and any(is_wildcard(origin) for origin in wanted):
        raise InvalidInput(f"The plan {plan.name} has no wildcards", field="origins")
    before = accounts.origins(session, project.id)
    if tuple(before) != wanted:
        accounts.set_origins(session, project.id, wanted, now)
        payload = {"before": list(before), "after": list(wanted)}
        identity.record_audit(session, actor, "security_origins.update", "project", project.id, slug, payload)
    return Origins(wanted, plan.origins, plan.has_wildcards)
