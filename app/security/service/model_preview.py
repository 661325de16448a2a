"""What a threat model would have raised on the events that are stored; nothing is raised and nothing kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput
from app.projects import service as projects
from app.security.behaviour.threat_models import ModelPass, TooSlow
from app.security.contracts import Finding, ProjectScope, SecurityEvent
from app.security.plans import plan_of
from app.security.repository import history
from app.security.repository import threat_models as repository
from app.security.service.alerts import SAME_INCIDENT
from app.security.service.surroundings import event_of, place_of
from app.security.service.threat_models import ModelDraft, model_of

LONGEST_DAYS: Final = 30
MOST_EXAMPLES: Final = 10
PREVIEW_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Example:
    """An alert that would have been raised: the event that completed it, and what it would have said."""

    event: SecurityEvent
    finding: Finding


@dataclass(frozen=True, slots=True)
class Preview:
    """Counts over the days that ended now. `is_complete` is false when there were more events than are looked at."""

    days: int
    looked_at: int
    matching_events: int
    alerts: int
    is_complete: bool
    examples: list[Example] = field(default_factory=list)


def preview(session: Session, actor: Actor, slug: str, draft: ModelDraft, now: datetime, *, days: int) -> Preview:
    """How often the model would have raised an alert, the newest alerts as examples.

    Looks at the newest 100,000 events whose names fit, at 10,000 when there are conditions, at most as far back as the plan
    keeps events. Errors: NotFound, Forbidden, InvalidInput also for conditions that take too long, Unavailable.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(f"A preview covers 1 to {LONGEST_DAYS} days", field="days")
    project = projects.get_project(session, actor, slug)
    tenant_plan = repository.tenant_plan(session, project.tenant_id)
    model = model_of("preview", draft)
    days = min(days, plan_of(tenant_plan).retention_days)
    scope = ProjectScope(project.tenant_id, project.id)
    is_detailed = any(step.conditions for step in model.steps)
    patterns = sorted({step.event_pattern for step in model.steps})
    rows = history.events_like(scope, patterns, now - timedelta(days=days), now, is_detailed=is_detailed)
    events = sorted(map(event_of, rows), key=place_of)
    try:
        judged = ModelPass(model, events, seconds=PREVIEW_SECONDS)
    except TooSlow as fault:
        raise InvalidInput(f"{fault} for {len(events):,} events; make them simpler", field="conditions") from None
    raised = _raised(judged, events)
    most = history.MOST_DETAILED if is_detailed else history.MOST_PLAIN
    return Preview(days, len(events), judged.counted, len(raised), len(rows) < most, raised[: -MOST_EXAMPLES - 1 : -1])


def _raised(judged: ModelPass, events: list[SecurityEvent]) -> list[Example]:
    """Findings that would be an alert of their own: further ones within the hour join it."""
    last: dict[str, datetime] = {}
    raised = []
    for event in events:
        finding = judged.finding(event)
        if finding is not None:
            before = last.get(finding.subject)
            if before is None or event.at - before >= SAME_INCIDENT:
                raised.append(Example(event, finding))
            last[finding.subject] = event.at
    return raised
