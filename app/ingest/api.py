"""Routes on what arrives: the project's policy, faults by kind, replay of refused events, preview of a branch. They are our own
and not part of the tracking-plan contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from app.http import PROJECT, Caller, Db, Editor, Owner, WaitingCaller
from app.ingest import policies, proposals, replays, violation_service
from app.ingest.contracts import ViolationGroup
from app.ingest.labels import Treatment
from app.ingest.validation import ANY, Mode, Override, Policy
from app.kernel.clock import SYSTEM_CLOCK
from app.plan.vocabulary import Sensitivity

router = APIRouter(tags=["ingest"])

Hours = Annotated[int, Query(ge=1, le=violation_service.LONGEST_HOURS)]


class PolicyOverride(BaseModel):
    """Another mode for some events; `*` stands for all of them."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode
    source: str = Field(ANY, min_length=1, max_length=500)
    event: str = Field(ANY, min_length=1, max_length=500)
    environment: str = Field(ANY, min_length=1, max_length=500)


class PolicyBody(BaseModel):
    """What happens to events that break the plan, and to values by the label of their field."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode = Mode.ALLOW
    refuses_unplanned: bool = False
    refuses_unknown_properties: bool = False
    overrides: list[PolicyOverride] = Field(default_factory=list, max_length=100)
    sensitivity: dict[Sensitivity, Treatment] = Field(default_factory=dict)


class ViolationResponse(BaseModel):
    """Events of one name with one fault; `trend` counts them by hour since `since`."""

    source: str
    name: str
    reason: str
    count: int
    replayed: int
    first_at: datetime
    last_at: datetime
    trend: list[int]
    examples: list[str]


class ViolationsResponse(BaseModel):
    """Refused events and flagged ones, most frequent first."""

    since: datetime
    quarantined: list[ViolationResponse]
    flagged: list[ViolationResponse]


class ProposeBody(BaseModel):
    """A group of violations, as the list names it."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=500)
    name: str = Field(max_length=500)
    reason: str = Field(min_length=1, max_length=1000)
    hours: int = Field(24, ge=1, le=violation_service.LONGEST_HOURS)


class ProposalResponse(BaseModel):
    """The branch with the change, and the change as a sentence."""

    branch_id: str
    branch_name: str
    remedy: proposals.Remedy
    change: str


class ReplayBody(BaseModel):
    """Which refused events are looked at again; no reason means all."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500)


class ReplayResponse(BaseModel):
    """What came of it."""

    replayed: int
    refused_again: int
    already_replayed: int
    too_fresh: int


class VerdictChangeResponse(BaseModel):
    """Events whose verdict the branch changes; an empty reason is a good verdict."""

    source: str
    name: str
    app_version: str
    before: str
    after: str
    count: int


class BranchPreviewResponse(BaseModel):
    """Recent events held against main and against the branch."""

    sampled: int
    good_before: int
    good_after: int
    changes: list[VerdictChangeResponse]


@router.get(PROJECT + "/ingest/policy", operation_id="get_ingest_policy")
def get_policy(slug: str, session: Db, actor: Caller) -> PolicyBody:
    """The project's policy for events that break its plan."""
    return _policy_out(policies.get_policy(session, actor, slug))


@router.put(PROJECT + "/ingest/policy", operation_id="put_ingest_policy")
def put_policy(slug: str, body: PolicyBody, session: Db, actor: Owner) -> PolicyBody:
    """Replace the policy; every ingest process follows within seconds. Owners."""
    policy = Policy(
        mode=body.mode,
        refuses_unplanned=body.refuses_unplanned,
        refuses_unknown_properties=body.refuses_unknown_properties,
        overrides=tuple(Override(item.mode, item.source, item.event, item.environment) for item in body.overrides),
        sensitivity={label.value: treatment for label, treatment in body.sensitivity.items()},
    )
    return _policy_out(policies.set_policy(session, actor, slug, policy, SYSTEM_CLOCK.now()))


@router.get(PROJECT + "/ingest/violations", operation_id="list_violations")
def list_violations(slug: str, session: Db, actor: Caller, hours: Hours = 24) -> ViolationsResponse:
    """What was refused or flagged in the last hours, by event and fault."""
    found = violation_service.list_violations(session, actor, slug, SYSTEM_CLOCK.now(), hours=hours)

    def out(group: ViolationGroup, replayed: int) -> ViolationResponse:
        return ViolationResponse(
            source=group.source,
            name=group.name,
            reason=group.reason,
            count=group.count,
            replayed=replayed,
            first_at=group.first_at,
            last_at=group.last_at,
            trend=[group.trend.get(hour, 0) for hour in range(hours)],
            examples=list(group.examples),
        )

    return ViolationsResponse(
        since=found.since,
        quarantined=[out(group, found.replayed.get((group.source, group.name, group.reason), 0)) for group in found.refused],
        flagged=[out(group, 0) for group in found.flagged],
    )


@router.post(PROJECT + "/ingest/replay", operation_id="replay_quarantine")
def replay(slug: str, body: ReplayBody, actor: WaitingCaller) -> ReplayResponse:
    """Hold refused events against today's plan and store those that fit; repeating it stores nothing twice. Editors."""
    result = replays.replay_refused(actor, slug, SYSTEM_CLOCK.now(), reason=body.reason)
    return ReplayResponse(
        replayed=result.replayed,
        refused_again=result.refused_again,
        already_replayed=result.already_replayed,
        too_fresh=result.too_fresh,
    )


@router.get(PROJECT + "/ingest/preview", operation_id="preview_branch")
def preview(
    slug: str,
    session: Db,
    actor: Caller,
    branch: UUID,
    hours: Hours = 24,
    limit: Annotated[int, Query(ge=1, le=violation_service.MOST_SAMPLED)] = 2000,
) -> BranchPreviewResponse:
    """Which verdicts on recent events the branch would change."""
    found = violation_service.preview_branch(session, actor, slug, str(branch), SYSTEM_CLOCK.now(), hours=hours, limit=limit)
    changes = [
        VerdictChangeResponse(
            source=change.source,
            name=change.name,
            app_version=change.app_version,
            before=change.before,
            after=change.after,
            count=change.count,
        )
        for change in found.changes
    ]
    return BranchPreviewResponse(sampled=found.sampled, good_before=found.good_before, good_after=found.good_after, changes=changes)


@router.post(PROJECT + "/ingest/propose", operation_id="propose_plan_change", status_code=201)
def propose(slug: str, body: ProposeBody, session: Db, actor: Editor) -> ProposalResponse:
    """A branch with the change of the plan that would heal a violation. Editors."""
    made = proposals.propose(
        session,
        actor,
        slug,
        source=body.source,
        name=body.name,
        reason=body.reason,
        hours=body.hours,
        now=SYSTEM_CLOCK.now(),
    )
    return ProposalResponse(branch_id=made.branch_id, branch_name=made.branch_name, remedy=made.remedy, change=made.change)


def _policy_out(policy: Policy) -> PolicyBody:
    return PolicyBody(
        mode=policy.mode,
        refuses_unplanned=policy.refuses_unplanned,
        refuses_unknown_properties=policy.refuses_unknown_properties,
        overrides=[
            PolicyOverride(mode=item.mode, source=item.source, event=item.event, environment=item.environment)
            for item in policy.overrides
        ],
        sensitivity={Sensitivity(label): treatment for label, treatment in policy.sensitivity.items()},
    )
