"""What breaks the plan, seen by the people of a project: groups of faults, and what a branch would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlmodel import Session

from app.identity.contracts import Actor
from app.ingest import policies, violation_repository
from app.ingest.contracts import ViolationGroup
from app.ingest.decode import MEMBERS
from app.ingest.labels import MASK, Treatment
from app.ingest.single_events import BREAKS_PLAN
from app.ingest.treated import lost_properties, without_rules
from app.ingest.validation import NOT_IN_PLAN, Mode, Policy, ProjectChecks, compile_checks
from app.plan import service as plan
from app.projects import service as projects

LONGEST_HOURS: Final = 24 * 30
MOST_SAMPLED: Final = 5_000


@dataclass(frozen=True, slots=True)
class Violations:
    """Groups of refused and of flagged events since an instant. `replayed` holds how many of a refused group were taken in."""

    since: datetime
    refused: Sequence[ViolationGroup]
    flagged: Sequence[ViolationGroup]
    replayed: dict[tuple[str, str, str], int]


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """Events of one name whose verdict another plan changes; a reason is empty for a good verdict."""

    source: str
    name: str
    app_version: str
    before: str
    after: str
    count: int


@dataclass(frozen=True, slots=True)
class BranchPreview:
    """Recent events held against main and against a branch."""

    sampled: int
    good_before: int
    good_after: int
    changes: Sequence[VerdictChange]


def list_violations(session: Session, actor: Actor, slug: str, now: datetime, *, hours: int = 24) -> Violations:
    """What was refused or flagged in the last hours, most frequent first. Errors: NotFound, Unavailable."""
    project = projects.get_project(session, actor, slug)
    since = now - timedelta(hours=max(1, min(hours, LONGEST_HOURS)))
    refused, flagged = [
        violation_repository.violation_groups(project.tenant_id, project.id, since, is_refused=is_refused)
        for is_refused in (True, False)
    ]
    return Violations(since, refused, flagged, violation_repository.replayed_counts(session, project.id, since))


def settled_violations(session: Session, actor: Actor, slug: str, found: Violations) -> frozenset[tuple[str, str, str]]:
    """The groups, as (source, name, reason), whose fault the plan of today no longer has; only where that is sure.

    An event that was not in the plan is settled once it is planned. Another fault is settled once every example of it fits,
    which only refused events can tell, as they are kept whole. Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    chosen = policies.get_policy(session, actor, slug)
    strict = Policy(Mode.FLAG, refuses_unplanned=True, refuses_unknown_properties=chosen.refuses_unknown_properties)
    today = _Side.of(session, project.id, None, strict)
    settled = {
        (group.source, group.name, group.reason)
        for group in (*found.refused, *found.flagged)
        if _fault_of(group) == NOT_IN_PLAN and (group.source, group.name) in today.names
    }
    settled.update(
        (group.source, group.name, group.reason)
        for group in found.refused
        if group.reason.startswith(f"{BREAKS_PLAN}: ") and all(_fits(today, group, example) for example in group.examples)
    )
    return frozenset(settled)


def _fault_of(group: ViolationGroup) -> str:
    return group.reason.removeprefix(f"{BREAKS_PLAN}: ")


def _fits(side: _Side, group: ViolationGroup, example: str) -> bool:
    if MASK in example:  # what was masked is no evidence
        return False
    event = object_of(example)
    attributes, environment = event.get("custom_attributes") or {}, event.get("environment")
    if not event or not isinstance(attributes, dict):
        return False
    members = {key: event[key] for key in MEMBERS if event.get(key) is not None}
    return not side.fault(group.source, group.name, environment if isinstance(environment, str) else "", members, attributes)


def preview_branch(
    session: Session, actor: Actor, slug: str, branch_id: str, now: datetime, *, hours: int = 24, limit: int = 2000
) -> BranchPreview:
    """Recent events, refused ones among them, held against main and against the branch as strictly as the project's policy can
    be; stored nowhere. Errors: NotFound for project and branch, BadRequest for a branch that is no id, Unavailable."""
    scope = plan.readable_branch(session, actor, slug, branch_id)
    project = scope.project
    since = now - timedelta(hours=max(1, min(hours, LONGEST_HOURS)))
    limit = max(1, min(limit, MOST_SAMPLED))
    chosen = policies.get_policy(session, actor, slug)
    strict = Policy(Mode.FLAG, refuses_unplanned=True, refuses_unknown_properties=chosen.refuses_unknown_properties)
    sides = [_Side.of(session, project.id, branch, strict) for branch in (None, scope.branch_id)]
    labels = policies.treatments(session, project.id)
    changes: Counter[tuple[str, str, str, str, str]] = Counter()
    sampled = good_before = good_after = 0
    for one in _sample(session, project.tenant_id, project.id, since, limit):
        before, after = [side.fault_of_kept(one, labels.get(one.source, {})) for side in sides]
        sampled += 1
        good_before += not before
        good_after += not after
        if before != after:
            version = one.attributes.get("app_version", "")
            changes[one.source, one.name, version if isinstance(version, str) else "", before, after] += 1
    ordered = [VerdictChange(*key, count) for key, count in changes.most_common()]
    return BranchPreview(sampled, good_before, good_after, ordered)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An event as it was kept, stored or refused; `reason` is why it was flagged or refused."""

    source: str
    name: str
    environment: str
    members: dict[str, Any]
    attributes: dict[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class _Side:
    names: frozenset[tuple[str, str]]
    checks: ProjectChecks

    @classmethod
    def of(cls, session: Session, project_id: str, branch_id: str | None, policy: Policy) -> _Side:
        checks = compile_checks(plan.field_rules(session, project_id, branch_id), policy, b"")
        assert checks is not None  # a policy that flags always has checks
        return cls(plan.planned_names(session, project_id, branch_id), checks)

    def fault(self, source: str, name: str, environment: str, members: dict[str, Any], attributes: dict[str, Any]) -> str:
        is_planned = (source, name) in self.names
        return self.checks.judge(source, name, environment, attributes, members, is_planned=is_planned).violation

    def fault_of_kept(self, one: _Kept, labels: Mapping[str, Treatment]) -> str:
        """What is wrong with the event, as far as the values tell that were not treated under these labels."""
        known = self.checks.types.get(one.source)
        checks = self.checks
        if known is not None:
            lost = lost_properties(known.by_property, labels, one.attributes, one.members, one.reason)
            checks = without_rules(checks, one.source, lost)
        return replace(self, checks=checks).fault(one.source, one.name, one.environment, one.members, one.attributes)


def _sample(session: Session, tenant_id: str, project_id: str, since: datetime, limit: int) -> Iterator[_Kept]:
    for row in violation_repository.stored_sample(tenant_id, project_id, since, limit):
        source, name, environment, actor, session_id, ip, status, severity, value, properties, reason = row
        found = {
            "user_id": actor, "session_id": session_id, "ip_address": ip, "status": status,
            "severity": severity, "environment": environment, "duration": value,
        }  # fmt: skip
        members = {key: item for key, item in found.items() if item not in ("", None)}
        attributes = object_of(properties)
        if "user_agent" in attributes:
            members["user_agent"] = attributes.pop("user_agent")
        yield _Kept(source, name, environment, members, attributes, reason)
    refused = violation_repository.newest_refused(tenant_id, project_id, since, limit)
    # Those that were taken in since are among the stored ones.
    replayed = violation_repository.replayed_among(session, project_id, [record.fingerprint for record in refused])
    for record in refused:
        if record.fingerprint in replayed:
            continue
        event = object_of(record.raw)
        attributes = event.pop("custom_attributes", None)
        if not record.source or not isinstance(attributes, dict | None):
            continue
        members = {key: event[key] for key in MEMBERS if event.get(key) is not None}
        environment = event.get("environment")
        told = environment if isinstance(environment, str) else ""
        yield _Kept(record.source, record.name, told, members, attributes or {}, record.reason)


def object_of(text: str) -> dict[str, Any]:
    """The object that a record was sent as; empty when it was none."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return {}
