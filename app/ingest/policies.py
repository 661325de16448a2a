"""What a project does with events that break its plan, and with values under a sensitivity label."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.ingest.labels import Treatment, pseudonym, treatments_of
from app.ingest.project_plans import ProjectPlan
from app.ingest.validation import Mode, Override, Policy, compile_checks
from app.kernel.crypto import keyed_hash
from app.kernel.settings import get_settings
from app.plan import service as plan
from app.plan.branching import service as branching
from app.projects import service as projects
from models.ingest import IngestPolicy

_DIGEST_DIGITS: Final = 12


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
    names = plan.planned_names(session, project_id)
    rules = plan.field_rules(session, project_id) if policy.is_active else {}
    checks = compile_checks(rules, policy, _pseudonym_secret(project_id)) if policy.is_active else None
    in_force = repr((sorted(names), sorted(rules.items()), policy))
    digest = hashlib.sha256(in_force.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_DIGITS]
    return ProjectPlan(names, checks, f"{branching.newest_revision_id(session, project_id) or 'main'}+{digest}")


def treatments(session: Session, project_id: str) -> Mapping[str, Mapping[str, Treatment]]:
    """What is done to the properties of each event type on main, by every name that its events may have them by; those that pass as
    they are are left out."""
    policy = _policy_of(session.get(IngestPolicy, project_id))
    if all(treatment is Treatment.PASS for treatment in policy.sensitivity.values()):
        return {}
    fields = plan.field_rules(session, project_id)
    return {name: treatments_of(rules, policy.sensitivity) for name, rules in fields.items()}


def pseudonym_of(project_id: str, value: str) -> str:
    """What stands for the value in the project's records where its policy pseudonymises it."""
    return pseudonym(_pseudonym_secret(project_id), value)


def _pseudonym_secret(project_id: str) -> bytes:
    return keyed_hash(get_settings().secret_key(), f"pseudonyms of {project_id}").encode()


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
