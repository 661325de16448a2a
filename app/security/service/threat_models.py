"""Threat models that a project writes itself: kept, tried on what is stored, handed to detection (contract C.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.projects import service as projects
from app.projects.contracts import ProjectView
from app.security.behaviour.conditions import InvalidConditions
from app.security.behaviour.threat_models import LONGEST_WINDOW, Step, ThreatModel
from app.security.plans import SecurityPlan, plan_of
from app.security.repository import threat_models as repository
from models.security import SecurityThreatModel

MOST_MODELS: Final = 100
LONGEST_NAME: Final = 120
LONGEST_DESCRIPTION: Final = 2_000
LONGEST_REASON: Final = 500
LONGEST_WINDOW_MINUTES: Final = LONGEST_WINDOW // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StepDraft:
    """One step as somebody enters it."""

    event_pattern: str
    window_minutes: int
    conditions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelDraft:
    """A model as somebody enters it."""

    name: str
    step: StepDraft
    description: str = ""
    threshold: int = 1
    followed_by: StepDraft | None = None
    group_by: str = "any"
    severity: str = "medium"
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model that is kept. `paused_reason` says why it was switched off by itself."""

    id: str
    draft: ModelDraft
    paused_reason: str | None
    created_at: datetime
    updated_at: datetime


def list_models(session: Session, actor: Actor, slug: str) -> list[ModelView]:
    """The project's models by name, for anybody signed in. Errors: NotFound, Forbidden."""
    project = projects.get_project(session, actor, slug)
    return [_view(row) for row in repository.list_models(session, project.id)]


def get_model(session: Session, actor: Actor, slug: str, model_id: str) -> ModelView:
    """One model. Errors: NotFound, Forbidden."""
    project = projects.get_project(session, actor, slug)
    return _view(_found(session, project.id, model_id))


def create_model(session: Session, actor: Actor, slug: str, draft: ModelDraft) -> ModelView:
    """Add a model. Editors and owners of tenants whose plan has threat models.

    Errors: NotFound, Forbidden, InvalidInput, Conflict for a taken name and beyond 100 models.
    """
    project = _editable(session, actor, slug)
    model_of("draft", draft)
    if repository.count_models(session, project.id) >= MOST_MODELS:
        raise Conflict(f"A project has at most {MOST_MODELS} threat models")
    row = SecurityThreatModel(project_id=project.id, name="", event_pattern="", created_by=actor.user_id)
    _write(row, draft)
    _save(session, row)
    identity.record_audit(session, actor, "threat_model.create", "threat_model", row.id, slug, {"name": row.name})
    return _view(row)


def update_model(session: Session, actor: Actor, slug: str, model_id: str, draft: ModelDraft, now: datetime) -> ModelView:
    """Replace what the model says; switching it on clears why it was switched off. Errors as of `create_model`."""
    project = _editable(session, actor, slug)
    row = _found(session, project.id, model_id, is_locked=True)
    model_of(row.id, draft)
    _write(row, draft)
    row.updated_at = now
    _save(session, row)
    identity.record_audit(
        session, actor, "threat_model.update", "threat_model", row.id, slug, {"name": row.name, "is_enabled": row.is_enabled}
    )
    return _view(row)


def set_enabled(session: Session, actor: Actor, slug: str, model_id: str, is_enabled: bool, now: datetime) -> ModelView:
    """Switch a model on or off. Errors: NotFound, Forbidden."""
    project = _editable(session, actor, slug)
    row = _found(session, project.id, model_id, is_locked=True)
    if row.is_enabled != is_enabled:
        row.is_enabled, row.paused_reason, row.updated_at = is_enabled, None, now
        repository.save(session, row)
        payload = {"name": row.name, "is_enabled": is_enabled}
        identity.record_audit(session, actor, "threat_model.update", "threat_model", row.id, slug, payload)
    return _view(row)


def delete_model(session: Session, actor: Actor, slug: str, model_id: str) -> None:
    """Remove a model; alerts that it raised stay. Errors: NotFound, Forbidden."""
    project = _editable(session, actor, slug)
    row = _found(session, project.id, model_id, is_locked=True)
    identity.record_audit(session, actor, "threat_model.delete", "threat_model", row.id, slug, {"name": row.name})
    repository.delete(session, row)


def has_threat_models(session: Session, actor: Actor, slug: str) -> bool:
    """Whether the plan of the project's tenant evaluates threat models. Errors: NotFound, Forbidden."""
    project = projects.get_project(session, actor, slug)
    return plan_of(repository.tenant_plan(session, project.tenant_id)).has_threat_models


def alert_counts(session: Session, actor: Actor, slug: str, since: datetime) -> dict[str, int]:
    """How many alerts each model raised since then, by its id. Errors: NotFound, Forbidden."""
    return repository.alert_counts(session, projects.get_project(session, actor, slug).id, since)


def enabled_models(session: Session, project_id: str, plan: SecurityPlan) -> list[ThreatModel]:
    """The models that detection holds events against; none where the plan has none."""
    if not plan.has_threat_models:
        return []
    rows = repository.list_models(session, project_id, is_enabled=True)
    return [model_of(row.id, _draft(row)) for row in rows]


def pause(session: Session, project_id: str, model_id: str, reason: str) -> None:
    """Switch off a model that cannot be used on real events, and say so where it is listed."""
    repository.pause(session, project_id, model_id, reason[:LONGEST_REASON])


def model_of(model_id: str, draft: ModelDraft) -> ThreatModel:
    """The draft as detection takes it. InvalidInput names the field that cannot be used."""
    name = draft.name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"A name has 1 to {LONGEST_NAME} characters", field="name")
    if len(draft.description) > LONGEST_DESCRIPTION:
        raise InvalidInput(f"A description has at most {LONGEST_DESCRIPTION} characters", field="description")
    step = _step(draft.step, "")
    followed_by = _step(draft.followed_by, "followed_by.") if draft.followed_by is not None else None
    try:
        return ThreatModel(
            id=model_id,
            name=name,
            step=step,
            threshold=draft.threshold,
            severity=draft.severity,
            followed_by=followed_by,
            group_by=draft.group_by,
        )
    except ValueError as fault:
        message = str(fault)
        word = next(word for word in ("threshold", "severity", "grouped") if word in message)
        raise InvalidInput(message, field="group_by" if word == "grouped" else word) from None


def _step(draft: StepDraft, prefix: str) -> Step:
    if not 1 <= draft.window_minutes <= LONGEST_WINDOW_MINUTES:
        raise InvalidInput(f"A window has 1 to {LONGEST_WINDOW_MINUTES} minutes", field=f"{prefix}window_minutes")
    try:
        return Step(draft.event_pattern, timedelta(minutes=draft.window_minutes), draft.conditions)
    except InvalidConditions as fault:
        raise InvalidInput(str(fault), field=f"{prefix}conditions") from None
    except ValueError as fault:
        raise InvalidInput(str(fault), field=f"{prefix}event_pattern") from None


def _editable(session: Session, actor: Actor, slug: str) -> ProjectView:
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    if not plan_of(repository.tenant_plan(session, project.tenant_id)).has_threat_models:
        raise Forbidden("Threat models need the plan enterprise")
    return project


def _found(session: Session, project_id: str, model_id: str, *, is_locked: bool = False) -> SecurityThreatModel:
    row = repository.get_model(session, project_id, model_id, is_locked=is_locked)
    if row is None:
        raise NotFound("Threat model not found")
    return row


def _save(session: Session, row: SecurityThreatModel) -> None:
    try:
        repository.save(session, row)
    except IntegrityError:
        raise Conflict("Another threat model has this name") from None


def _write(row: SecurityThreatModel, draft: ModelDraft) -> None:
    row.name, row.description = draft.name.strip(), draft.description
    row.event_pattern, row.conditions = draft.step.event_pattern, dict(draft.step.conditions)
    row.window_minutes, row.threshold = draft.step.window_minutes, draft.threshold
    following = draft.followed_by
    row.followed_by_pattern = None if following is None else following.event_pattern
    row.followed_by_conditions = {} if following is None else dict(following.conditions)
    row.followed_by_window_minutes = None if following is None else following.window_minutes
    row.group_by, row.severity = draft.group_by, draft.severity
    row.is_enabled = draft.is_enabled
    row.paused_reason = None


def _draft(row: SecurityThreatModel) -> ModelDraft:
    following = None
    if row.followed_by_pattern is not None:
        following = StepDraft(row.followed_by_pattern, row.followed_by_window_minutes or 1, row.followed_by_conditions)
    return ModelDraft(
        name=row.name,
        description=row.description,
        step=StepDraft(row.event_pattern, row.window_minutes, row.conditions),
        threshold=row.threshold,
        followed_by=following,
        group_by=row.group_by,
        severity=row.severity,
        is_enabled=row.is_enabled,
    )


def _view(row: SecurityThreatModel) -> ModelView:
    return ModelView(row.id, _draft(row), row.paused_reason, row.created_at, row.updated_at)
