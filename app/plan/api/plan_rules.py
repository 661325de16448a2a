"""Routes of a project's rules for its plan; they are our own and not part of the contract."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.http import PROJECT, Branch, Caller, Db
from app.plan import service
from app.plan.branching.readiness import rule_findings
from app.plan.governance import LONGEST_PATTERN, MOST_APPROVALS, MOST_FIELDS, Enforcement, Rule, Rules, tidy_names
from app.plan.snapshot import EntityType

router = APIRouter(tags=["plan-rules"])

Name = Annotated[str, Field(max_length=255)]


class PlanRulesBody(BaseModel):
    """What the project asks of its plan."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    enforcement: Enforcement = Enforcement.WARN
    event_name_pattern: str = Field("", max_length=LONGEST_PATTERN)
    field_name_pattern: str = Field("", max_length=LONGEST_PATTERN)
    required_fields: list[Name] = Field(default_factory=list, max_length=MOST_FIELDS)
    forbidden_fields: list[Name] = Field(default_factory=list, max_length=MOST_FIELDS)
    protects_main: bool = False
    minimum_approvals: int = Field(1, ge=1, le=MOST_APPROVALS)
    sensitive_approvals: int = Field(0, ge=0, le=MOST_APPROVALS)
    forbids_self_approval: bool = False


class RuleFindingResponse(BaseModel):
    """One thing that breaks a rule."""

    model_config = ConfigDict(from_attributes=True)

    rule: Rule
    entity_type: EntityType
    event_type: str
    name: str
    message: str


class RuleFindingsResponse(BaseModel):
    """Everything that breaks the rules."""

    items: list[RuleFindingResponse]
    total: int


@router.get(PROJECT + "/plan-rules", operation_id="get_plan_rules")
def get_plan_rules(slug: str, session: Db, actor: Caller) -> PlanRulesBody:
    """The project's rules."""
    return PlanRulesBody.model_validate(service.get_rules(session, actor, slug))


@router.put(PROJECT + "/plan-rules", operation_id="put_plan_rules")
def put_plan_rules(slug: str, body: PlanRulesBody, session: Db, actor: Caller) -> PlanRulesBody:
    """Replace the project's rules. Owners."""
    values = body.model_dump()
    for name in ("required_fields", "forbidden_fields"):
        values[name] = tidy_names(values[name])
    return PlanRulesBody.model_validate(service.set_rules(session, actor, slug, Rules(**values)))


@router.get(PROJECT + "/plan-rules/findings", operation_id="list_plan_rule_findings")
def list_findings(slug: str, session: Db, actor: Caller, branch: Branch) -> RuleFindingsResponse:
    """What breaks the rules on the branch, or on main."""
    found = [RuleFindingResponse.model_validate(item) for item in rule_findings(session, actor, slug, branch=branch)]
    return RuleFindingsResponse(items=found, total=len(found))
