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

# A strength orders explanations; as a number it would be taken for a probability.
STRENGTH_WORDS = ((0.75, "strong"), (0.55, "fair"), (0.0, "weak"))
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


def strength_word(strength: float) -> str:
    """How well an explanation accounts for the change."""
    return next(word for least, word in STRENGTH_WORDS if strength >= least)


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
            str(place),
            CAUSE_WORDS[one.cause],
            one.title,
            one.sentence,
            strength_word(one.strength),
            link_of(slug, found.subject, one),
        )
        for place, one in enumerate(found.ranking.explanations, 1)
    ]
    return WhyView(True, found.ranking.reason, rows)
