"""The row of a project's rules."""

from __future__ import annotations

from sqlmodel import Session

from app.plan.governance import Enforcement, Rules
from models.plan_rules import PlanRules


def rules_of(session: Session, project_id: str) -> Rules:
    """The project's rules; the defaults when nobody chose."""
    row = session.get(PlanRules, project_id)
    if row is None:
        return Rules()
    return Rules(
        enforcement=Enforcement(row.enforcement),
        event_name_pattern=row.event_name_pattern,
        field_name_pattern=row.field_name_pattern,
        required_fields=tuple(row.required_fields),
        forbidden_fields=tuple(row.forbidden_fields),
        protects_main=row.protects_main,
        minimum_approvals=row.minimum_approvals,
        sensitive_approvals=row.sensitive_approvals,
        forbids_self_approval=row.forbids_self_approval,
    )


def store_rules(session: Session, project_id: str, rules: Rules) -> None:
    """Replace the project's rules."""
    row = session.get(PlanRules, project_id) or PlanRules(project_id=project_id)
    row.enforcement = rules.enforcement.value
    row.event_name_pattern = rules.event_name_pattern
    row.field_name_pattern = rules.field_name_pattern
    row.required_fields = list(rules.required_fields)
    row.forbidden_fields = list(rules.forbidden_fields)
    row.protects_main = rules.protects_main
    row.minimum_approvals = rules.minimum_approvals
    row.sensitive_approvals = rules.sensitive_approvals
    row.forbids_self_approval = rules.forbids_self_approval
    session.add(row)
