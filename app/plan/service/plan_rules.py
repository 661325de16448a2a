"""The rules a project sets for its plan, and what breaks them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput
from app.plan.governance import Enforcement, Rules
from app.plan.repository.plan_rules import rules_of, store_rules
from app.projects import service as projects


def get_rules(session: Session, actor: Actor, slug: str) -> Rules:
    """The project's rules. Errors: NotFound."""
    return rules_of(session, projects.get_project(session, actor, slug).id)


def set_rules(session: Session, actor: Actor, slug: str, rules: Rules) -> Rules:
    """Replace the project's rules. Owners only. Errors: NotFound, InvalidInput at the rule that makes no sense."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    rules.check()
    store_rules(session, project.id, rules)
    payload = {"enforcement": rules.enforcement.value, "protects_main": rules.protects_main}
    identity.record_audit(session, actor, "plan_rules.updated", "project", project.id, project_slug=slug, payload=payload)
    return rules


def check_event_names(session: Session, project_id: str, names: Iterable[str]) -> None:
    """InvalidInput for the first event name that a blocking naming rule refuses."""
    rules = rules_of(session, project_id)
    if rules.enforcement is Enforcement.BLOCK:
        for name in names:
            if fault := rules.event_name_fault(name):
                raise InvalidInput(fault, field="name")


def check_field_names(session: Session, project_id: str, names: Iterable[str]) -> None:
    """InvalidInput for the first property name that a blocking rule refuses."""
    rules = rules_of(session, project_id)
    if rules.enforcement is Enforcement.BLOCK:
        for name in names:
            if fault := rules.field_name_fault(name):
                raise InvalidInput(fault, field="name")
