"""How unusual each actor's last 24 hours were, kept by day, with one alert for an actor and day that stand out.

The hours end at the last full hour and count for the day they end on, so that a burst is found within an hour and never twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import as_utc
from app.projects import service as projects
from app.security.behaviour.actor_scores import ActorScore, score_actors
from app.security.contracts import Finding, ProjectScope, Scoped, SecurityEvent
from app.security.repository import actor_days as repository
from app.security.repository import events
from app.security.service.alerts import raise_alert
from app.security.service.surroundings import event_of
from models.security import SecurityActorScore

HISTORY_DAYS: Final = 28
MEMORY: Final = timedelta(days=90)
MOST_LISTED: Final = 500
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scoring:
    """Scores of the 24 hours that ended at `end`, and the last event of each actor who stands out."""

    scope: Scoped
    end: datetime
    scores: Mapping[str, ActorScore]
    last_events: Mapping[str, SecurityEvent] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The day the hours count for."""
        return day_of(self.end)


@dataclass(frozen=True, slots=True)
class ScoreView:
    """One actor's score; without one `reason` says why."""

    actor_id: str
    day: date
    score: float | None
    is_unusual: bool
    contributions: list[dict[str, object]]
    reason: str
    alert_id: str | None
    scored_at: datetime


def last_hour(now: datetime) -> datetime:
    """The end of the last full hour."""
    return as_utc(now).replace(minute=0, second=0, microsecond=0)


def day_of(end: datetime) -> date:
    """The day that 24 hours which end then count for: the one in which their last moment lies."""
    return (end - timedelta(milliseconds=1)).date()


def suspect_days(session: Session, scope: Scoped, now: datetime) -> set[tuple[str, date]]:
    """Days that were unusual and that nobody called harmless: they are no example of what is usual."""
    since = day_of(last_hour(now)) - (HISTORY_DAYS + 1) * _DAY
    return repository.unusual_and_not_dismissed(session, scope.project_id, since)


def look(scope: Scoped, now: datetime, suspect: Set[tuple[str, date]] = frozenset()) -> Scoring:
    """Score the project's actors without their suspect days; writes nothing. Errors: Unavailable."""
    end = last_hour(now)
    day = day_of(end)
    days: dict[str, dict[date, tuple[float, ...]]] = defaultdict(dict)
    last: dict[str, tuple[str, datetime]] = {}
    for row in repository.actor_days(scope, end, HISTORY_DAYS):
        when = day - row.ago * _DAY
        if row.ago == 0 or (row.actor_id, when) not in suspect:
            days[row.actor_id][when] = row.figures
        if row.ago == 0:
            last[row.actor_id] = (row.last_event_id, as_utc(row.last_at))
    scores = score_actors(days, day)
    found = {}
    for actor_id, score in scores.items():
        if score.is_unusual:
            stored = events.get_event(scope, *last[actor_id])
            if stored is not None:
                found[actor_id] = event_of(stored)
    return Scoring(scope, end, scores, found)


def keep(session: Session, scoring: Scoring, now: datetime) -> int:
    """Keep the scores and raise alerts; how many: exactly one for an actor and day.

    Hours of the day before that are still in view and have their alert raise none again.
    """
    project_id, day = scoring.scope.project_id, scoring.day
    known = _alerts_in_view(session, project_id, day)
    rows, raised = [], 0
    for actor_id, score in scoring.scores.items():
        alert_id, event = None, scoring.last_events.get(actor_id)
        if score.is_unusual and actor_id in known:
            alert_id = known[actor_id]
        elif score.is_unusual and event is not None:
            alert_id = raise_alert(session, project_id, event, _finding(actor_id, score, scoring))
            raised += 1
        rows.append(
            SecurityActorScore(
                project_id=project_id,
                day=day,
                actor_id=actor_id,
                score=score.score,
                is_unusual=score.is_unusual and alert_id is not None,
                contributions=[asdict(one) for one in score.contributions],
                reason=score.reason,
                alert_id=alert_id,
                scored_at=now,
            )
        )
    repository.put_scores(session, rows)
    return raised


def _alerts_in_view(session: Session, project_id: str, day: date) -> dict[str, str]:
    began: dict[str, date] = {}
    found: dict[str, str] = {}
    for actor_id, when, alert_id in repository.unusual_days(session, project_id, day - 2 * _DAY, day):
        began.setdefault(alert_id, when)
        if when == day or (when == day - _DAY and began[alert_id] == when):
            found[actor_id] = alert_id
    return found


def forget_old(session: Session, now: datetime) -> None:
    """Forget scores of more than 90 days ago."""
    repository.forget_scores(session, as_utc(now - MEMORY).date())


def list_scores(session: Session, actor: Actor, slug: str, day: date | None = None) -> list[ScoreView]:
    """Scores of the day, or of the newest one that has any; the most unusual first. Errors: NotFound, Forbidden."""
    project = projects.get_project(session, actor, slug)
    scope = ProjectScope(project.tenant_id, project.id)
    wanted = day or repository.latest_day(session, scope.project_id)
    if wanted is None:
        return []
    return [
        ScoreView(row.actor_id, row.day, row.score, row.is_unusual, row.contributions, row.reason, row.alert_id, row.scored_at)
        for row in repository.list_scores(session, scope.project_id, wanted, limit=MOST_LISTED)
    ]


def _finding(actor_id: str, score: ActorScore, scoring: Scoring) -> Finding:
    because = ", ".join(f"{one.feature} {one.value:g} (usually {one.usual:g})" for one in score.contributions)
    return Finding(
        alert_type="suspicious_activity",
        severity="medium",
        title=f"Unusual behaviour of {actor_id}",
        description=f"In the 24 hours until {scoring.end:%Y-%m-%d %H:%M} UTC {actor_id} did what fewer than "
        f"{max(0.1, 100 - (score.score or 0)):.1f} % of the known days hold: {because}.",
        subject=f"{actor_id} unusual {scoring.day.isoformat()}",
        details={
            "rule": "actor_score",
            "score": score.score,
            "day": scoring.day.isoformat(),
            "until": scoring.end.isoformat(),
            "contributions": [asdict(one) for one in score.contributions],
        },
    )
