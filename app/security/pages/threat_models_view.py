"""What the page of threat models shows, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import security_paths
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput
from app.security.pages.threat_model_form import conditions_text
from app.security.pages.wording import SEVERITY_TONES
from app.security.service import model_preview, threat_models
from app.security.service.model_preview import Example
from app.security.service.threat_models import ModelDraft, ModelView, StepDraft
from components.format import full_number, iso_utc, local_time

_GROUP_WORDS: Final = {
    "any": "by the same actor or from the same address",
    "actor": "by the same actor",
    "ip": "from the same address",
}
ALERT_PERIOD: Final = timedelta(days=30)
DAYS: Final = {"1": "1 day", "7": "7 days", "30": "30 days"}


@dataclass(frozen=True)
class ModelRow:
    """A model in the list."""

    id: str
    name: str
    description: str
    rule: str
    follows: str
    severity: str
    tone: str
    is_enabled: bool
    paused: str
    alerts: str
    changed: str
    iso: str
    href: str


@dataclass(frozen=True)
class ModelsView:
    """The models of a project, and what the viewer may do."""

    rows: list[ModelRow] = field(default_factory=list)
    is_editor: bool = False
    is_booked: bool = True


@dataclass(frozen=True)
class ExampleRow:
    """An alert that would have been raised."""

    title: str
    detail: str
    severity: str
    tone: str
    when: str
    iso: str
    href: str


@dataclass(frozen=True)
class PreviewView:
    """What a model would have raised. `problem` replaces everything else, `field` says where it is."""

    count: str = ""
    words: str = ""
    note: str = ""
    examples: list[ExampleRow] = field(default_factory=list)
    problem: str = ""
    field_name: str = ""


def models_view(session: Session, actor: Actor, slug: str, zone: ZoneInfo) -> ModelsView:
    """The page's list. Errors: NotFound, Forbidden."""
    raised = threat_models.alert_counts(session, actor, slug, SYSTEM_CLOCK.now() - ALERT_PERIOD)
    rows = [_row(view, slug, zone, raised.get(view.id, 0)) for view in threat_models.list_models(session, actor, slug)]
    return ModelsView(
        rows,
        is_editor=actor.role in (UserRole.OWNER, UserRole.EDITOR),
        is_booked=threat_models.has_threat_models(session, actor, slug),
    )


def preview_view(session: Session, actor: Actor, slug: str, draft: ModelDraft, days: int, zone: ZoneInfo) -> PreviewView:
    """What the model would have raised in the last days; a model that cannot be used yet is told. Errors: NotFound, Unavailable."""
    now = SYSTEM_CLOCK.now()
    try:
        found = model_preview.preview(session, actor, slug, draft, now, days=days)
    except InvalidInput as refusal:
        return PreviewView(problem=refusal.message, field_name=refusal.field or "")
    period = "day" if found.days == 1 else f"{found.days} days"
    note = f"{full_number(found.matching_events)} of {full_number(found.looked_at)} events fit the first step."
    if not found.is_complete:
        note += " There are more; only the newest were looked at."
    return PreviewView(
        count=full_number(found.alerts),
        words=f"{'alert' if found.alerts == 1 else 'alerts'} in the last {period}",
        note=note,
        examples=[_example(one, slug, zone) for one in found.examples],
    )


def _row(view: ModelView, slug: str, zone: ZoneInfo, alerts: int) -> ModelRow:
    draft = view.draft
    rule = f"{_step_text(draft.step, times=draft.threshold)}, {_GROUP_WORDS[draft.group_by]}"
    follows = _step_text(draft.followed_by, times=1) if draft.followed_by else ""
    severity = "critical" if draft.followed_by else draft.severity
    return ModelRow(
        id=view.id,
        name=draft.name,
        description=draft.description,
        rule=rule,
        follows=follows and f"then {follows}",
        severity=severity,
        tone=SEVERITY_TONES[severity],
        is_enabled=draft.is_enabled,
        paused=f"Switched off by itself: {view.paused_reason}." if view.paused_reason else "",
        alerts=full_number(alerts),
        changed=local_time(view.updated_at, zone, now=SYSTEM_CLOCK.now()),
        iso=iso_utc(view.updated_at),
        href=security_paths.project_threat_models(slug, edit=view.id),
    )


def _step_text(step: StepDraft, *, times: int) -> str:
    often = "" if times == 1 else f"{full_number(times)} × "
    conditions = conditions_text(step.conditions)
    return f"{often}{step.event_pattern}{f' where {conditions}' if conditions else ''} within {_span(step.window_minutes)}"


def _span(minutes: int) -> str:
    if minutes % 60 or not minutes:
        return f"{minutes} min"
    return f"{minutes // 60} h"


def _example(example: Example, slug: str, zone: ZoneInfo) -> ExampleRow:
    event, finding = example.event, example.finding
    return ExampleRow(
        title=" · ".join(part for part in (event.actor_id, event.user_ip) if part),
        detail=finding.description,
        severity=finding.severity,
        tone=SEVERITY_TONES[finding.severity],
        when=local_time(event.at, zone, now=SYSTEM_CLOCK.now()),
        iso=iso_utc(event.at),
        href=security_paths.project_security_events(slug, id=event.id, days="90"),
    )
