"""What a project does with events that break its plan, and with values under a sensitivity label."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.ingest.project_plans import ProjectPlan
from app.ingest.validation import Mode, Override, Policy, Treatment, compile_checks
from app.kernel.crypto import keyed_hash
from app.kernel.settings import get_settings
from app.plan import service as plan
from app.projects import service as projects
from models.ingest import IngestPolicy


def get_policy(session: Session, actor: Actor, slug: str) -> Policy:
    """The project's policy; the one that allows everything when nobody chose. Errors: NotFound."""
    return _policy_of(session.get(IngestPolicy, projects.get_project(session, actor, slug).id))


def set_policy(session: Session, actor: Actor, slug: str, policy: Policy, now: datetime) -> Policy:
    """Replace the project's policy; every ingest process follows within seconds. Owners only; Forbidden, NotFound."""
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    row = session.get(IngestPolicy, project.id) or IngestPolicy(project_id=project.id, created_at=now)
    row.mode = policy.mode.value
    row.refuses_unplanned = policy.refuses_unplanned
    row.refuses_unknown_properties = policy.refuses_unknown_properties
    row.overrides = [_override_out(override) for override in policy.overrides]
    row.sensitivity = {label: treatment.value for label, treatment in policy.sensitivity.items()}
    row.updated_at = now
    session.add(row)
    payload = {"mode": row.mode, "sensitivity": row.sensitivity, "overrides": len(row.overrides)}
    identity.record_audit(session, actor, "ingest_policy.updated", "project", project.id, project_slug=slug, payload=payload)
    return policy


def project_plan(session: Session, project_id: str) -> ProjectPlan:
    """What the ingest needs of a project: planned names and compiled checks. Reads main."""
    policy = _policy_of(session.get(IngestPolicy, project_id))
    if not get_settings().ingest.validation:
        policy = policy.without_modes()
    checks = None
    if policy.is_active:
        secret = keyed_hash(get_settings().secret_key(), f"pseudonyms of {project_id}")
        checks = compile_checks(plan.field_rules(session, project_id), policy, secret.encode())
    return ProjectPlan(plan.planned_names(session, project_id), checks)


def _policy_of(row: IngestPolicy | None) -> Policy:
    if row is None:
        return Policy()
    return Policy(
        mode=Mode(row.mode),
        refuses_unplanned=row.refuses_unplanned,
        refuses_unknown_properties=row.refuses_unknown_properties,
        overrides=tuple(_override_in(entry) for entry in row.overrides),
        sensitivity={label: Treatment(str(treatment)) for label, treatment in row.sensitivity.items()},
    )


def _override_in(entry: dict[str, Any]) -> Override:
    return Override(Mode(entry["mode"]), entry["source"], entry["event"], entry["environment"])


def _override_out(override: Override) -> dict[str, object]:
    return {
        "mode": override.mode.value,
        "source": override.source,
        "event": override.event,
        "environment": override.environment,
    }
