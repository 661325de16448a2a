"""What the panel that explains a signal shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from app.detection.why import service as why
from app.detection.why.contracts import Cause
from app.detection.why.links import link_of
from app.identity.contracts import Actor
from app.metrics.contracts import SeriesKey
from components.format import percent

CAUSE_WORDS = {
    Cause.PLANNED_EVENT: "Planned event",
    Cause.ANNOTATION: "Annotation",
    Cause.RELEASE: "Release",
    Cause.PLAN_CHANGE: "Plan change",
    Cause.SCHEMA_DRIFT: "Schema drift",
    Cause.BREAKDOWN: "Breakdown",
    Cause.SOURCE: "Source",
    Cause.LOG_ERRORS: "Log errors",
}


@dataclass(frozen=True)
class ExplanationRow:
    """One explanation as a line."""

    rank: str
    cause: str
    title: str
    sentence: str
    strength: str
    href: str


@dataclass(frozen=True)
class WhyView:
    """The answer. `reason` says why it is unknown; before anybody asked both are empty."""

    is_answered: bool = False
    reason: str = ""
    rows: list[ExplanationRow] = field(default_factory=list)


def why_view(session: Session, actor: Actor, slug: str, key: SeriesKey, bucket: datetime | None) -> WhyView:
    """The ranked explanations of the series' anomaly. Errors: NotFound."""
    found = why.explain(session, actor, slug, key, bucket)
    rows = [
        ExplanationRow(
            str(place), CAUSE_WORDS[one.cause], one.title, one.sentence, percent(one.strength), link_of(slug, found.subject, one)
        )
        for place, one in enumerate(found.ranking.explanations, 1)
    ]
    return WhyView(True, found.ranking.reason, rows)
