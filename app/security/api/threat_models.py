"""Threat models of a project: kept, changed, tried on what is stored. The product's own dialect."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.http import PROJECT, Caller, Db, Editor, WaitingCaller
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.text import PlainText, storable
from app.security.service import model_preview, threat_models
from app.security.service.model_preview import LONGEST_DAYS, Example, Preview
from app.security.service.threat_models import LONGEST_WINDOW_MINUTES, ModelDraft, ModelView, StepDraft

router = APIRouter(tags=["threat-models"])

MODELS = PROJECT + "/threat-models"
MODEL = MODELS + "/{model_id}"
MOST_CONDITION_CHARACTERS = 20_000


class Severity(StrEnum):
    """How grave an alert of the model is; one of a sequence is always critical."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class GroupBy(StrEnum):
    """Which events belong together."""

    ANY = "any"
    ACTOR = "actor"
    IP = "ip"


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise ValueError("Conditions are nested too deep") from None
    if len(text) > MOST_CONDITION_CHARACTERS:
        raise ValueError(f"Conditions hold at most {MOST_CONDITION_CHARACTERS} characters")
    if "\\u0000" in text:
        raise ValueError("The text must not hold a NUL character")
    storable(text)
    return value


Conditions = Annotated[dict[str, Any], AfterValidator(_bounded)]
"""A tree: `{}` for all events, `{field, operator, value}`, or `{logical_operator, conditions}`."""


class Body(BaseModel):
    """What every body here refuses: names it does not know."""

    model_config = ConfigDict(extra="forbid")


class StepBody(Body):
    """Events that count within a window."""

    event_pattern: PlainText = Field(max_length=100)
    window_minutes: int = Field(ge=1, le=LONGEST_WINDOW_MINUTES)
    conditions: Conditions = Field(default_factory=dict)


class ThreatModelBody(Body):
    """A threat model."""

    name: PlainText = Field(min_length=1, max_length=120)
    description: PlainText = Field("", max_length=2_000)
    event_pattern: PlainText = Field(max_length=100)
    conditions: Conditions = Field(default_factory=dict)
    threshold: int = Field(1, ge=1, le=10_000)
    window_minutes: int = Field(60, ge=1, le=LONGEST_WINDOW_MINUTES)
    followed_by: StepBody | None = None
    group_by: GroupBy = GroupBy.ANY
    severity: Severity = Severity.MEDIUM
    is_enabled: bool = True


class ThreatModelUpdate(Body):
    """What to change; absent parts stay, `followed_by: null` makes it a model of one step."""

    name: PlainText | None = Field(None, min_length=1, max_length=120)
    description: PlainText | None = Field(None, max_length=2_000)
    event_pattern: PlainText | None = Field(None, max_length=100)
    conditions: Conditions | None = None
    threshold: int | None = Field(None, ge=1, le=10_000)
    window_minutes: int | None = Field(None, ge=1, le=LONGEST_WINDOW_MINUTES)
    followed_by: StepBody | None = None
    group_by: GroupBy | None = None
    severity: Severity | None = None
    is_enabled: bool | None = None


class PreviewBody(ThreatModelBody):
    """A model to try, and over how many days; its name does not matter."""

    name: PlainText = Field("Preview", min_length=1, max_length=120)
    days: int = Field(7, ge=1, le=LONGEST_DAYS)


class ThreatModelResponse(ThreatModelBody):
    """A kept threat model. `paused_reason` says why it was switched off by itself."""

    id: str
    paused_reason: str | None
    created_at: datetime
    updated_at: datetime


class ExampleResponse(BaseModel):
    """An alert that the model would have raised, and the event that completed it."""

    event_id: str
    event_name: str
    at: datetime
    actor_id: str | None
    user_ip: str | None
    severity: Severity
    title: str
    description: str
    count: int
    events: list[str]


class PreviewResponse(BaseModel):
    """What a model would have raised. `is_complete` is false when there were more events than are looked at."""

    days: int
    looked_at: int
    matching_events: int
    alerts: int
    is_complete: bool
    examples: list[ExampleResponse]


"""The caller of a route that reads for a while and must keep nobody from writing."""


@router.get(MODELS, operation_id="list_threat_models")
def list_threat_models(slug: str, session: Db, actor: Caller) -> list[ThreatModelResponse]:
    """The project's threat models by name."""
    return [_response(view) for view in threat_models.list_models(session, actor, slug)]


@router.post(MODELS, operation_id="create_threat_model", status_code=201)
def create_threat_model(slug: str, session: Db, actor: Editor, body: ThreatModelBody) -> ThreatModelResponse:
    """Add a threat model; it holds for events from now on."""
    return _response(threat_models.create_model(session, actor, slug, _draft(body)))


@router.post(MODELS + "/preview", operation_id="preview_threat_model")
def preview_threat_model(slug: str, actor: WaitingCaller, body: PreviewBody) -> PreviewResponse:
    """How often a model would have raised an alert on what is stored, with examples. Nothing is kept."""
    with session_scope(write=False) as session:
        return _preview(model_preview.preview(session, actor, slug, _draft(body), SYSTEM_CLOCK.now(), days=body.days))


@router.get(MODEL, operation_id="get_threat_model")
def get_threat_model(slug: str, model_id: UUID, session: Db, actor: Caller) -> ThreatModelResponse:
    """One threat model."""
    return _response(threat_models.get_model(session, actor, slug, str(model_id)))


@router.patch(MODEL, operation_id="update_threat_model")
def update_threat_model(slug: str, model_id: UUID, session: Db, actor: Editor, body: ThreatModelUpdate) -> ThreatModelResponse:
    """Change a threat model; switching it on clears why it was switched off."""
    present = _response(threat_models.get_model(session, actor, slug, str(model_id))).model_dump()
    changes = body.model_dump(exclude_unset=True)
    kept = {name: value for name, value in changes.items() if value is not None or name == "followed_by"}
    merged = {name: value for name, value in {**present, **kept}.items() if name in ThreatModelBody.model_fields}
    draft = _draft(ThreatModelBody.model_validate(merged))
    return _response(threat_models.update_model(session, actor, slug, str(model_id), draft, SYSTEM_CLOCK.now()))


@router.delete(MODEL, operation_id="delete_threat_model", status_code=204)
def delete_threat_model(slug: str, model_id: UUID, session: Db, actor: Editor) -> None:
    """Remove a threat model; its alerts stay."""
    threat_models.delete_model(session, actor, slug, str(model_id))


@router.post(MODEL + "/preview", operation_id="preview_kept_threat_model")
def preview_kept_threat_model(
    slug: str, model_id: UUID, actor: WaitingCaller, days: Annotated[int, Query(ge=1, le=LONGEST_DAYS)] = 7
) -> PreviewResponse:
    """How often a kept model would have raised an alert, with examples."""
    with session_scope(write=False) as session:
        draft = threat_models.get_model(session, actor, slug, str(model_id)).draft
        return _preview(model_preview.preview(session, actor, slug, draft, SYSTEM_CLOCK.now(), days=days))


def _draft(body: ThreatModelBody) -> ModelDraft:
    following = body.followed_by
    return ModelDraft(
        name=body.name,
        description=body.description,
        step=StepDraft(body.event_pattern, body.window_minutes, body.conditions),
        threshold=body.threshold,
        followed_by=StepDraft(following.event_pattern, following.window_minutes, following.conditions) if following else None,
        group_by=body.group_by.value,
        severity=body.severity.value,
        is_enabled=body.is_enabled,
    )


def _response(view: ModelView) -> ThreatModelResponse:
    draft = view.draft
    following = draft.followed_by
    return ThreatModelResponse(
        id=view.id,
        name=draft.name,
        description=draft.description,
        event_pattern=draft.step.event_pattern,
        conditions=dict(draft.step.conditions),
        threshold=draft.threshold,
        window_minutes=draft.step.window_minutes,
        followed_by=StepBody(
            event_pattern=following.event_pattern,
            window_minutes=following.window_minutes,
            conditions=dict(following.conditions),
        )
        if following
        else None,
        group_by=GroupBy(draft.group_by),
        severity=Severity(draft.severity),
        is_enabled=draft.is_enabled,
        paused_reason=view.paused_reason,
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def _preview(found: Preview) -> PreviewResponse:
    return PreviewResponse(
        days=found.days,
        looked_at=found.looked_at,
        matching_events=found.matching_events,
        alerts=found.alerts,
        is_complete=found.is_complete,
        examples=[_example(one) for one in found.examples],
    )


def _example(example: Example) -> ExampleResponse:
    event, finding = example.event, example.finding
    return ExampleResponse(
        event_id=event.id,
        event_name=event.name,
        at=event.at,
        actor_id=event.actor_id,
        user_ip=event.user_ip,
        severity=Severity(finding.severity),
        title=finding.title,
        description=finding.description,
        count=finding.details["count"],
        events=finding.details["events"],
    )
